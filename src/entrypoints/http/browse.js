SwaggerUIBundle({
  url: "/schema/openapi.json",
  dom_id: "#browse",
  deepLinking: true,
  showExtensions: true,
  showCommonExtensions: true,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
});
