// bizon_id: the id of a record at its destination, derived and not random.
//
// Format 1: XXH3-128 of (run id, stream, iteration, position), as 32 hex digits. A record that is
// read again after a crash has the same place in the same iteration of the same run, and so the
// same id; no two places share one.
//
// Threads: immutable after construction.
#ifndef BIZOND_SYNC_BIZON_ID_H_
#define BIZOND_SYNC_BIZON_ID_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "base/identity.h"

namespace bizond {

class BizonIdMaker {
 public:
  static constexpr int kFormat = 1;
  static constexpr size_t kLength = 32;

  BizonIdMaker() = default;
  BizonIdMaker(std::string_view run_id, std::string_view stream);

  void Write(uint64_t iteration, uint32_t position, char* out32) const;
  std::string Make(uint64_t iteration, uint32_t position) const;

 private:
  Hash128 seed_;
};

}  // namespace bizond

#endif  // BIZOND_SYNC_BIZON_ID_H_
