// Writes the contract with what is known of the service beyond it, for judging the sandbox's answers: create answers
// 201, some errors are undeclared, and any field of a version may be null.
const fs = require('fs');

const [, , from, to] = process.argv;
const document = JSON.parse(fs.readFileSync(from, 'utf8'));
const error = { description: 'Error', content: { 'application/json': { schema: { $ref: '#/components/schemas/ErrorResponse' } } } };

for (const property of Object.values(document.components.schemas.ScriptVersions.properties)) {
  property.nullable = true;
}
for (const path of Object.values(document.paths)) {
  for (const operation of Object.values(path)) {
    const responses = operation.responses;
    if (operation.summary === 'Create Script Version') responses[201] = responses[200];
    for (const status of [401, 403, 404, 409, 413, 422, 429]) responses[status] = error;
  }
}
// The log entries are declared as versions; their id and created_at agree with that, the rest is their own.
fs.writeFileSync(to, JSON.stringify(document, null, 2));
