"use strict";
// The faces drawn over the photo: a click on a square chooses a face or leaves it out, points can be placed and moved.

const ORDER = ["the eye on the left", "the eye on the right", "the middle between the corners of the mouth"];
const RADIUS = 9; // of a point, in pixels of the screen

/** faces: [{points, chosen}]. Calls `changed()` when they were changed, and `say(text)` while points are placed. */
class Marks {
  constructor(svg, changed, say) {
    Object.assign(this, { svg, changed, say, faces: [], placed: null });
    svg.addEventListener("pointerdown", (event) => this.placed && this.add(this.place(event)));
    addEventListener("resize", () => this.draw());
  }

  /** Shows the faces of a photo; the squares are those of a model. */
  show(photo, faces, model) {
    Object.assign(this, { photo, model, placed: null, faces: faces.map((points) => ({ points, chosen: true })) });
    this.svg.setAttribute("viewBox", `0 0 ${photo.pixels.width} ${photo.pixels.height}`);
    this.draw();
  }

  chosen() {
    return this.faces.filter((face) => face.chosen).map((face) => face.points);
  }

  /** Begins or ends placing: the next three clicks are the points of a face. */
  placing(on) {
    this.placed = on ? [] : null;
    this.draw();
  }

  add(point) {
    this.placed.push(point);
    if (this.placed.length < ORDER.length) {
      this.say(`Click ${ORDER[this.placed.length]}.`);
      return this.draw();
    }
    const [left, right, mouth] = this.placed;
    const [across, down] = [right, mouth].map((to) => [to[0] - left[0], to[1] - left[1]]);
    // eyes in the other order would turn the face upside down
    const swapped = across[0] * down[1] - across[1] * down[0] < 0;
    this.faces.push({ points: swapped ? [right, left, mouth] : this.placed, chosen: true });
    this.placed = null;
    this.draw();
    this.changed();
  }

  /** Where in the photo an event happened; 0, 0 is the centre of the first pixel. */
  place(event) {
    const box = this.svg.getBoundingClientRect();
    const scale = this.photo.pixels.width / box.width;
    return [(event.clientX - box.left) * scale - 0.5, (event.clientY - box.top) * scale - 0.5];
  }

  draw() {
    if (!this.photo) return;
    const radius = (RADIUS * this.photo.pixels.width) / (this.svg.getBoundingClientRect().width || 1);
    const circle = ([x, y]) => element("circle", { cx: x + 0.5, cy: y + 0.5, r: radius });
    this.svg.classList.toggle("placing", this.placed !== null);
    const marks = this.faces.flatMap((face) => [this.square(face), ...(face.chosen ? this.circles(face, circle) : [])]);
    this.svg.replaceChildren(...marks, ...(this.placed ?? []).map(circle));
  }

  square(face) {
    const { model } = this;
    const square = estimateSimilarity(face.points, model.alignment, model.size);
    const corners = square ? cornersOf(square).map((corner) => corner.join()) : [];
    const polygon = element("polygon", { points: corners.join(" "), tabindex: 0, role: "checkbox", "aria-checked": face.chosen });
    polygon.setAttribute("aria-label", "Change this face");
    polygon.classList.toggle("chosen", face.chosen);
    const toggle = () => {
      face.chosen = !face.chosen;
      this.draw();
      this.changed();
    };
    polygon.addEventListener("click", toggle);
    polygon.addEventListener("keydown", (event) => [" ", "Enter"].includes(event.key) && (event.preventDefault(), toggle()));
    return polygon;
  }

  circles(face, circle) {
    return face.points.map((point, i) => {
      const mark = circle(point);
      mark.addEventListener("pointerdown", (event) => this.drag(event, mark, face, i));
      return mark;
    });
  }

  /** Moves a point until the pointer is lifted. */
  drag(event, mark, face, number) {
    mark.setPointerCapture(event.pointerId);
    mark.onpointermove = (moved) => {
      face.points[number] = this.place(moved);
      mark.setAttribute("cx", face.points[number][0] + 0.5);
      mark.setAttribute("cy", face.points[number][1] + 0.5);
    };
    mark.onpointerup = () => {
      this.draw();
      this.changed();
    };
  }
}

function element(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
