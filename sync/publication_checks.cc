#include "sync/publication_checks.h"

#include <fmt/format.h>

#include <string>

namespace bizond {
namespace {

constexpr std::string_view kMinRowsCode = "held_min_rows";
constexpr std::string_view kMaxDropCode = "held_max_drop";

Error Held(std::string_view code, std::string message) {
  return {ErrorKind::kPermanent, std::string(code), std::move(message),
          "look at the source; then publish what is staged as it is (bizond runs approve ID, "
          "without a daemon bizond run JOB.yml --approve), or drop it (bizond runs cancel ID, "
          "bizond run JOB.yml --discard)",
          std::nullopt};
}

}  // namespace

std::optional<Error> JudgeRows(const ChecksSpec& checks, std::string_view stream, uint64_t rows,
                               std::optional<uint64_t> published_before) {
  if (checks.min_rows && rows < *checks.min_rows) {
    return Held(kMinRowsCode,
                fmt::format("stream {}: {} rows are staged, and checks.min_rows asks for {}; "
                            "nothing of it is published",
                            stream, rows, *checks.min_rows));
  }
  if (!checks.max_drop_percent || !published_before || rows >= *published_before) return {};
  const auto before = static_cast<double>(*published_before);
  const double drop = (before - static_cast<double>(rows)) / before * 100;
  if (drop <= *checks.max_drop_percent) return {};
  return Held(kMaxDropCode,
              fmt::format("stream {}: {} rows are staged, {:.1f}% fewer than the {} that are "
                          "published, and checks.max_drop_percent allows {}%; nothing of it is "
                          "published",
                          stream, rows, drop, *published_before, *checks.max_drop_percent));
}

bool IsHeldByCheck(const Error& error) {
  return error.code == kMinRowsCode || error.code == kMaxDropCode;
}

}  // namespace bizond
