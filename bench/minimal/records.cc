#include "bench/minimal/records.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace bizond::bench {
namespace {

constexpr size_t kBlockBytes = 1 << 20;

std::string_view WithoutSpace(std::string_view token) {
  while (!token.empty() && (token.back() == ' ' || token.back() == '\n')) token.remove_suffix(1);
  return token;
}

}  // namespace

void Die(std::string_view what) {
  (void)std::fprintf(stderr, "%.*s: %s\n", static_cast<int>(what.size()), what.data(),
                     std::strerror(errno));
  std::exit(1);
}

Records::Records(const char* path)
    : fd_(open(path, O_RDONLY | O_CLOEXEC)), buffer_(kBlockBytes + simdjson::SIMDJSON_PADDING) {
  if (fd_ < 0) Die(path);
}

bool Records::Fill() {
  const size_t rest = end_ - at_;
  std::memmove(buffer_.data(), buffer_.data() + at_, rest);
  if (rest == buffer_.size() - simdjson::SIMDJSON_PADDING) buffer_.resize(buffer_.size() * 2);
  const ssize_t got =
      read(fd_, buffer_.data() + rest, buffer_.size() - simdjson::SIMDJSON_PADDING - rest);
  if (got < 0) Die("read");
  at_ = 0;
  end_ = rest + static_cast<size_t>(got);
  ++blocks_;
  return got > 0;
}

bool Records::Next(MinimalRecord* record) {
  const char* newline = nullptr;
  while (true) {
    newline = static_cast<const char*>(std::memchr(buffer_.data() + at_, '\n', end_ - at_));
    if (newline != nullptr) break;
    if (!Fill()) return false;
  }
  const std::string_view line(buffer_.data() + at_,
                              static_cast<size_t>(newline - buffer_.data()) - at_);
  simdjson::ondemand::document document;
  simdjson::ondemand::object object;
  simdjson::ondemand::value key;
  const simdjson::padded_string_view padded(line.data(), line.size(),
                                            line.size() + simdjson::SIMDJSON_PADDING);
  if (parser_.iterate(padded).get(document) != simdjson::SUCCESS ||
      document.get_object().get(object) != simdjson::SUCCESS ||
      object.find_field("id").get(key) != simdjson::SUCCESS) {
    Die("a line without an id");
  }
  record->data = line;
  record->key = WithoutSpace(key.raw_json_token());
  simdjson::ondemand::value cursor;
  if (object.find_field("updated_at").get(cursor) != simdjson::SUCCESS) {
    Die("a line without an updated_at");
  }
  record->cursor = WithoutSpace(cursor.raw_json_token());
  record->cursor = record->cursor.substr(1, record->cursor.size() - 2);
  at_ += line.size() + 1;
  return true;
}

}  // namespace bizond::bench
