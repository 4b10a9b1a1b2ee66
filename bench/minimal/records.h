// Records: the lines of an NDJSON file, each with the key and the cursor that simdjson found in it.
//
// Reads blocks of a MiB into one buffer; what is handed out are views into it, valid until the next
// call. An error ends the program with a line on stderr: a benchmark has nobody to report to.
//
// Threads: one.
#ifndef BIZOND_BENCH_MINIMAL_RECORDS_H_
#define BIZOND_BENCH_MINIMAL_RECORDS_H_

#include <simdjson.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bizond::bench {

struct MinimalRecord {
  std::string_view data;    // The line.
  std::string_view key;     // The top-level "id" as it is written.
  std::string_view cursor;  // The top-level "updated_at", without its quotes.
};

[[noreturn]] void Die(std::string_view what);

class Records {
 public:
  explicit Records(const char* path);
  // False at the end.
  bool Next(MinimalRecord* record);
  // Counts the blocks that were read: what was extracted together shares an instant.
  uint64_t blocks() const { return blocks_; }

 private:
  // Moves the line that the block cuts in two to its front and reads on.
  bool Fill();

  int fd_;
  std::vector<char> buffer_;
  size_t at_ = 0;
  size_t end_ = 0;
  uint64_t blocks_ = 0;
  simdjson::ondemand::parser parser_;
};

}  // namespace bizond::bench

#endif  // BIZOND_BENCH_MINIMAL_RECORDS_H_
