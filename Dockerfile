# attrxfer-runtime for processors: runs exported files, without torch. compose.yaml starts the server and the page.
FROM python:3.12-slim
RUN --mount=type=bind,target=/source,rw pip install --no-cache-dir '/source/runtime[faces,serve,ui]' \
    && useradd --create-home attrxfer
USER attrxfer
WORKDIR /models
EXPOSE 8000 7860
ENTRYPOINT ["attrxfer"]
CMD ["serve", "model.onnx", "--host", "0.0.0.0"]
