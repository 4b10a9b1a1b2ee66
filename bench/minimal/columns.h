// The columns that bizon adds to a record, as the minimal programs write them.
//
// Threads: every function may be called from any thread.
#ifndef BIZOND_BENCH_MINIMAL_COLUMNS_H_
#define BIZOND_BENCH_MINIMAL_COLUMNS_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace bizond::bench {

constexpr size_t kIdBytes = 32;

// 32 hex digits that no other row of this seed has.
void WriteId(uint64_t seed, uint64_t row, char* out);

// Now, as "2026-01-01T00:00:00.000000Z".
std::string Instant();

// `text` as the inside of a JSON string; `out` has room for 6 bytes each. Returns the end.
char* Escape(std::string_view text, char* out);

}  // namespace bizond::bench

#endif  // BIZOND_BENCH_MINIMAL_COLUMNS_H_
