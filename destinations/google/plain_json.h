// Whether a JSON value is one of the many that BigQuery takes without a closer look.
//
// Every record is asked about, and few have an escape, an exponent of three digits or a deep
// nesting: the answer for the others is found sixteen bytes at a time.
//
// Threads: pure functions.
#ifndef BIZOND_DESTINATIONS_GOOGLE_PLAIN_JSON_H_
#define BIZOND_DESTINATIONS_GOOGLE_PLAIN_JSON_H_

#include <string_view>

namespace bizond {

// True: `json`, a valid value, has no escape of a code unit (\u), 500 levels at most, and no number
// near the bounds of a double. False: it may have, also where what looks so stands in a string.
bool IsPlainJson(std::string_view json);

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_GOOGLE_PLAIN_JSON_H_
