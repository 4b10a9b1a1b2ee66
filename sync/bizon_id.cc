#include "sync/bizon_id.h"

#include <array>
#include <cstring>

namespace bizond {

BizonIdMaker::BizonIdMaker(std::string_view run_id, std::string_view stream)
    : seed_(HashBytes(std::string(run_id) + '\n' + std::string(stream), kFormat)) {}

void BizonIdMaker::Write(uint64_t iteration, uint32_t position, char* out32) const {
  const std::array<uint64_t, 4> place = {seed_.high, seed_.low, iteration, position};
  WriteHex(HashBytes(std::string_view(reinterpret_cast<const char*>(place.data()), sizeof(place))),
           out32);
}

std::string BizonIdMaker::Make(uint64_t iteration, uint32_t position) const {
  std::string id(kLength, '0');
  Write(iteration, position, id.data());
  return id;
}

}  // namespace bizond
