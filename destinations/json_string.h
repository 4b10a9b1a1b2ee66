// JSON strings: a text becomes the inside of a JSON string, at the speed of memory.
//
// Records are JSON and go into `source_data` as a string, so nearly every sixth byte of them is a
// quote that needs a backslash. Eight bytes at a time are spread by one shuffle from a table
// (SSSE3), with a plain loop where the processor has no such instruction.
//
// Threads: pure functions.
#ifndef BIZOND_DESTINATIONS_JSON_STRING_H_
#define BIZOND_DESTINATIONS_JSON_STRING_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace bizond {

// How many bytes EscapeJson may touch at `out`: six for each byte of a short text, and what a long
// one really needs, counted.
size_t EscapedBytesBound(std::string_view text);

// Writes `text` as the inside of a JSON string and returns the end of it: a quote and a backslash
// get a backslash, bytes below 0x20 their escape; all else stays as it is. Reads only `text`.
char* EscapeJson(std::string_view text, char* out);

// `text` as a JSON string with its quotes.
void AppendJsonString(std::string_view text, std::string* out);

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_JSON_STRING_H_
