"use strict";
// The page: a photo in, its faces chosen, every chosen model's result beside the others, and the downloads.

const one = (id) => document.getElementById(id);
const strength = () => Number(one("strength").value);
const say = (text) => (one("message").textContent = text);
const marks = new Marks(one("marks"), () => facesChanged(), say);
let photo = null;
let cards = [];

for (const [i, model] of MODELS.entries()) {
  const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: true });
  const label = document.createElement("label");
  label.append(box, ` ${model.label}`);
  label.title = `makes ${model.makes}`;
  one("models").append(label);
  box.addEventListener("change", () => {
    cards[i].figure.hidden = !box.checked;
    update();
  });
}
one("models").hidden = MODELS.length === 1;

/** Opens a photo, finds its faces, and shows the results. */
async function open(file) {
  if (!file) return;
  say(`Reading ${file.name} …`);
  try {
    photo = await openPhoto(file);
  } catch {
    return say(`${file.name}: this browser cannot read it as an image, or it is too large.`);
  }
  const shown = one("photo");
  Object.assign(shown, { width: photo.view.width, height: photo.view.height });
  shown.getContext("2d").drawImage(photo.small, 0, 0);
  one("work").hidden = false;
  marks.show(photo, [], MODELS[0]);
  cards.forEach((card) => card.figure.remove());
  cards = MODELS.map((model, i) => makeCard(model, one("models").querySelectorAll("input")[i].checked));
  say("Looking for faces …");
  const opened = photo;
  const found = await findFaces(photo.canvas);
  if (photo !== opened) return; // another photo was opened meanwhile
  marks.show(photo, found, MODELS[0]);
  facesChanged();
  if (!found.length) place(true, "No face found. ");
}

/** Begins or ends placing points by clicks. */
function place(on, why = "") {
  marks.placing(on);
  one("place").textContent = on ? "Stop placing points" : "Place the points by hand";
  if (on) say(`${why}Click ${ORDER[0]} in the photo.`);
}

function makeCard(model, visible) {
  const figure = one("card").content.cloneNode(true).firstElementChild;
  const [before, after] = figure.querySelectorAll("canvas");
  for (const canvas of [before, after]) {
    Object.assign(canvas, { width: photo.view.width, height: photo.view.height });
    canvas.getContext("2d").putImageData(photo.view, 0, 0);
  }
  const card = { model, figure, after, cut: null };
  figure.hidden = !visible;
  figure.dataset.model = model.name;
  figure.querySelector(".name").textContent = model.label;
  figure.querySelector(".download").addEventListener("click", () => download(card));
  const pair = figure.querySelector(".pair");
  pair.addEventListener("pointermove", (event) => {
    const box = pair.getBoundingClientRect();
    if (event.buttons || event.pointerType === "touch") split(((event.clientX - box.left) / box.width) * 100);
  });
  one("results").append(figure);
  return card;
}

/** How much of the results, from the left, shows the photo before, in percent. */
function split(percent) {
  one("split").value = percent;
  one("results").style.setProperty("--split", `${one("split").value}%`);
}

function facesChanged() {
  cards.forEach((card) => (card.cut = null));
  place(false);
  const [found, chosen] = [marks.faces.length, marks.chosen().length];
  one("photo").dataset.faces = JSON.stringify(marks.chosen());
  const count = `${found} face${found === 1 ? "" : "s"}${chosen === found ? "" : `, ${chosen} to change`}.`;
  say(found ? `${count} A click on a square chooses that face or leaves it out; points can be dragged.` : "No face found.");
  update();
}

let running = false;
let again = false;

/** Computes what is shown. A change while it computes makes it compute once more. */
async function update() {
  again = true;
  if (running || !photo) return;
  running = true;
  while (again) {
    again = false;
    one("results").classList.add("working");
    for (const card of cards.filter((each) => !each.figure.hidden)) {
      await new Promise(requestAnimationFrame); // lets the page show what it has
      const made = await results(card, false);
      if (again) break;
      card.after.getContext("2d").putImageData(made, 0, 0);
      card.figure.dataset.strength = strength();
      if (card.cut.squares.length < marks.chosen().length) {
        say(`Faces whose square has fewer than ${SMALLEST_SIDE} pixels a side are left as they are.`);
      }
    }
  }
  one("results").classList.remove("working");
  running = false;
}

/** The photo with a model's results. */
async function results(card, whole) {
  card.cut ??= cutFaces(photo, marks.chosen(), card.model);
  const { cut } = card;
  return withResults(photo, cut, await transferCrops(card.model, cut.crops, strength()), whole);
}

async function download(card) {
  const at = String(strength());
  const packet = card.model.packet.replace(STRENGTH_PLACE, at);
  const link = document.createElement("a");
  const { exif, lost } = photo.metadata;
  link.href = URL.createObjectURL(await encoded(await results(card, true), packet, exif));
  link.download = `${photo.name.replace(/\.[^.]*$/, "")}-${card.model.name}-${at}.png`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  const kept = exif ? " with the photo's EXIF" : "";
  say(`Saved as PNG${kept}.${lost.length ? ` Of the photo's file this is not kept: ${lost.join(", ")}.` : ""}`);
}

for (const id of ["file", "camera"]) {
  one(id).addEventListener("change", (event) => {
    open(event.target.files[0]);
    event.target.value = ""; // the same file can be chosen again
  });
}
one("strength").addEventListener("input", () => {
  one("strength-value").textContent = strength();
  update();
});
one("split").addEventListener("input", () => split(one("split").value));
one("place").addEventListener("click", () => (marks.placed ? facesChanged() : place(true)));
addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dropping");
});
addEventListener("dragleave", (event) => event.relatedTarget ?? document.body.classList.remove("dropping"));
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  open(event.dataTransfer.files[0]);
});
addEventListener("paste", (event) => open(event.clipboardData.files[0]));
addEventListener("unhandledrejection", (event) => say(`This did not work here: ${event.reason?.message ?? event.reason}`));
startRuntime();
