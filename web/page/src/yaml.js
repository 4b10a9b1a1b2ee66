// Writes a definition as the YAML that people write. Only what JSON can hold comes in, so a small
// writer is enough; a string that YAML could read as something else is quoted as in JSON.
const PLAIN = /^([A-Za-z_/][\w ./@+-]*|\d+(ms|s|m|h|d))$/;
const NOT_STRINGS = /^(true|false|null|yes|no|on|off|y|n|~|\.inf|\.nan)$/i;

function scalar(value) {
  if (typeof value !== 'string') return JSON.stringify(value);
  const plain = PLAIN.test(value) && !NOT_STRINGS.test(value) && !value.endsWith(' ');
  return plain ? value : JSON.stringify(value);
}

const isNode = (value) => value !== null && typeof value === 'object';
const isEmpty = (value) => Object.keys(value).length === 0;

function lines(value, indent) {
  const pad = ' '.repeat(indent);
  if (Array.isArray(value)) {
    return value.flatMap((item) => {
      if (!isNode(item) || isEmpty(item)) return [`${pad}- ${inline(item)}`];
      const inner = lines(item, indent + 2);
      return [`${pad}- ${inner[0].trimStart()}`, ...inner.slice(1)];
    });
  }
  return Object.entries(value).flatMap(([key, item]) => {
    const head = `${pad}${scalar(key)}:`;
    if (!isNode(item) || isEmpty(item)) return [`${head} ${inline(item)}`];
    if (Array.isArray(item) && item.every((part) => !isNode(part)))
      return [`${head} ${inline(item)}`];
    return [head, ...lines(item, indent + 2)];
  });
}

function inline(value) {
  if (Array.isArray(value)) return `[${value.map(scalar).join(', ')}]`;
  return isNode(value) ? '{}' : scalar(value);
}

export function toYaml(value) {
  if (!isNode(value) || isEmpty(value)) return inline(value);
  return lines(value, 0).join('\n');
}
