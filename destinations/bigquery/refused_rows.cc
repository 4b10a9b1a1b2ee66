#include "destinations/bigquery/refused_rows.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "destinations/bigquery/gzip_buffer.h"
#include "destinations/divergence.h"
#include "destinations/google/google_error.h"
#include "destinations/google/transport.h"

namespace bizond {
namespace {

constexpr size_t kRowTextMax = 64 << 10;
constexpr int kInflateWindow = MAX_WBITS + 16;

// The place that a message names.
std::optional<uint64_t> PositionIn(std::string_view message) {
  for (const std::string_view before :
       {"row starting at position ", "byte_offset_to_start_of_line: "}) {
    const size_t at = message.find(before);
    if (at == message.npos) continue;
    const char* const begin = message.data() + at + before.size();
    uint64_t position = 0;
    if (std::from_chars(begin, message.data() + message.size(), position).ec == std::errc()) {
      return position;
    }
  }
  return std::nullopt;
}

// Takes a file's text piece by piece and parts its lines.
class Sieve {
 public:
  explicit Sieve(const std::map<uint64_t, std::string>& refused) : refused_(refused) {}

  void Take(std::string_view text) {
    while (!text.empty()) {
      if (at_start_) BeginRow();
      const size_t end = text.find('\n');
      const std::string_view piece = text.substr(0, end == text.npos ? text.size() : end + 1);
      if (refusing_) {
        std::string& kept = out_.refused.back().text;
        kept += piece.substr(
            0, std::min(piece.size(), kRowTextMax - std::min(kept.size(), kRowTextMax)));
      } else {
        buffer_.Write(piece);
      }
      at_start_ = end != text.npos;
      position_ += piece.size();
      text.remove_prefix(piece.size());
    }
  }

  SiftedFile Finish() {
    for (SiftedRow& row : out_.refused) {
      if (row.text.ends_with('\n')) row.text.pop_back();
    }
    out_.pieces = buffer_.Finish();
    return std::move(out_);
  }

 private:
  void BeginRow() {
    ++number_;
    const auto found = refused_.find(position_);
    refusing_ = found != refused_.end();
    if (refusing_) {
      out_.refused.push_back({.number = number_, .text = "", .reason = found->second});
    } else {
      ++out_.rows;
    }
  }

  const std::map<uint64_t, std::string>& refused_;
  GzipBuffer buffer_;
  SiftedFile out_;
  uint64_t position_ = 0;
  uint64_t number_ = 0;
  bool at_start_ = true;
  bool refusing_ = false;
};

// An inflate of one file.
struct Inflater {
  z_stream z{};
  bool ready = inflateInit2(&z, kInflateWindow) == Z_OK;
  Inflater() = default;
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() { inflateEnd(&z); }
};

}  // namespace

std::vector<RefusedLine> RefusedRowsOf(const BigQueryJob& job) {
  std::vector<RefusedLine> rows;
  if (!job.failure || job.failure_reason != "invalid") return rows;
  const nlohmann::json status = JsonObject(job.resource, "status");
  const auto listed = status.find("errors");
  if (listed == status.end() || !listed->is_array()) return rows;
  for (const nlohmann::json& one : *listed) {
    const std::string message = JsonText(one, "message");
    const std::optional<uint64_t> position = PositionIn(message);
    if (JsonText(one, "reason") != "invalid" || !position) continue;
    rows.push_back({.location = JsonText(one, "location"),
                    .position = *position,
                    .reason = ServiceText(message)});
  }
  return rows;
}

Result<SiftedFile> SiftFile(std::string_view name, std::string_view gzip,
                            const std::map<uint64_t, std::string>& refused) {
  Inflater inflater;
  z_stream& z = inflater.z;
  if (!inflater.ready) throw std::bad_alloc();
  // zlib takes a pointer to bytes that it does not change.
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(gzip.data()));
  z.avail_in = static_cast<uInt>(gzip.size());
  Sieve sieve(refused);
  std::array<char, 64 << 10> step;
  int result = Z_OK;
  while (result != Z_STREAM_END) {
    z.next_out = reinterpret_cast<Bytef*>(step.data());
    z.avail_out = static_cast<uInt>(step.size());
    result = inflate(&z, Z_NO_FLUSH);
    if (result != Z_OK && result != Z_STREAM_END) {
      return Failure(StagingLost(name, "it cannot be read any more"));
    }
    sieve.Take({step.data(), step.size() - z.avail_out});
  }
  return sieve.Finish();
}

}  // namespace bizond
