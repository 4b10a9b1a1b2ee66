// A schedule in words. What has no short words is shown as it was written.
const two = (text) => text.padStart(2, '0');
const DAYS = [
  'Sunday',
  'Monday',
  'Tuesday',
  'Wednesday',
  'Thursday',
  'Friday',
  'Saturday',
  'Sunday',
];

const CRON_WORDS = [
  [/^(\*|\*\/1) \* \* \* \*$/, () => 'every minute'],
  [/^\*\/(\d+) \* \* \* \*$/, (m) => `every ${m[1]} minutes`],
  [/^(\d+) \* \* \* \*$/, (m) => `hourly at :${two(m[1])}`],
  [/^(\d+) \*\/(\d+) \* \* \*$/, (m) => `every ${m[2]} hours at :${two(m[1])}`],
  [/^(\d+) (\d+) \* \* \*$/, (m) => `daily at ${two(m[2])}:${two(m[1])}`],
  [/^(\d+) (\d+) \* \* ([0-7])$/, (m) => `${DAYS[m[3]]}s at ${two(m[2])}:${two(m[1])}`],
  [/^(\d+) (\d+) \* \* (1-5|mon-fri)$/i, (m) => `weekdays at ${two(m[2])}:${two(m[1])}`],
  [/^(\d+) (\d+) (\d+) \* \*$/, (m) => `monthly on day ${m[3]} at ${two(m[2])}:${two(m[1])}`],
  [/^@(hourly|daily|weekly|monthly|yearly)$/, (m) => m[1]],
];

function cronWords(cron) {
  const text = cron.trim().replace(/\s+/g, ' ');
  for (const [pattern, words] of CRON_WORDS) {
    const match = text.match(pattern);
    if (match) return words(match);
  }
  return `cron ${text}`;
}

export function scheduleWords(schedule, syncMode) {
  if (syncMode === 'stream') return 'continuous';
  if (!schedule) return 'on request';
  if (schedule.cron) {
    const zone = schedule.timezone && schedule.timezone !== 'UTC' ? `, ${schedule.timezone}` : '';
    return cronWords(String(schedule.cron)) + zone;
  }
  if (schedule.every) return `every ${schedule.every}`;
  if (schedule.at) return `once at ${schedule.at}`;
  if (schedule.after) return `after ${[].concat(schedule.after).join(', ')}`;
  return 'on request';
}
