"""The API reference at /docs: a page of our own that reads the OpenAPI document and signs requests in the browser."""
