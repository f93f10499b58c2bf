// Shows openapi.json of this server; nothing is fetched from elsewhere (validatorUrl would be).
window.SwaggerUIBundle({
  url: 'openapi.json',
  dom_id: '#api',
  presets: [window.SwaggerUIBundle.presets.apis],
  deepLinking: true,
  validatorUrl: null,
  defaultModelsExpandDepth: 0,
  docExpansion: 'list',
});
