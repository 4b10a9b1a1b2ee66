#include "sources/file/file_position.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/identity.h"
#include "sync/start_over.h"

namespace bizond {
namespace {

using nlohmann::json;

constexpr int kPositionFormat = 1;

FileMark DecodeMark(const json& row) {
  return {row.at("path").get<std::string>(),        row.at("inode").get<uint64_t>(),
          row.at("offset").get<uint64_t>(),         row.at("line").get<uint64_t>(),
          row.value("unread", uint64_t{0}),         row.value("compressed", false),
          row.value("decoded", uint64_t{0}),        row.at("prefix_bytes").get<uint64_t>(),
          row.at("prefix_hash").get<std::string>(), row.at("tail_hash").get<std::string>()};
}

Result<std::string> HashOf(const File& file, uint64_t from, uint64_t size) {
  std::string bytes(static_cast<size_t>(std::min(size, kHashedBytes)), '\0');
  BIZOND_ASSIGN_OR_RETURN(const size_t got, file.ReadAt(bytes.data(), bytes.size(), from));
  return HexOf(HashBytes(std::string_view(bytes).substr(0, got)));
}

Result<std::string> TailHash(const File& file, uint64_t offset) {
  const uint64_t size = std::min(offset, kHashedBytes);
  return HashOf(file, offset - size, size);
}

}  // namespace

std::string EncodeMark(const FileMark& mark) {
  json row = {{"path", mark.name},
              {"inode", mark.inode},
              {"offset", mark.offset},
              {"line", mark.line},
              {"prefix_bytes", mark.prefix_bytes},
              {"prefix_hash", mark.prefix_hash},
              {"tail_hash", mark.tail_hash}};
  if (mark.unread > 0) row["unread"] = mark.unread;
  if (mark.compressed) row["compressed"] = true;
  if (mark.decoded > 0) row["decoded"] = mark.decoded;
  return row.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string EncodePosition(const std::vector<std::string>& files, const std::vector<FileMark>& gone,
                           std::string_view after) {
  std::string text = fmt::format(R"({{"format":{},"files":[)", kPositionFormat);
  const auto add = [&](std::string_view mark) {
    if (mark.empty()) return;
    if (text.back() != '[') text += ',';
    text += mark;
  };
  for (const std::string& mark : files) add(mark);
  text += ']';
  if (!gone.empty()) {
    text += R"(,"gone":[)";
    for (const FileMark& mark : gone) add(EncodeMark(mark));
    text += ']';
  }
  if (!after.empty()) {
    text += R"(,"after":)";
    text += json(after).dump(-1, ' ', false, json::error_handler_t::replace);
  }
  return text + '}';
}

Result<FilePosition> DecodePosition(std::string_view text) {
  FilePosition position;
  if (text.empty()) return position;
  try {
    const json parsed = json::parse(text);
    if (parsed.at("format").get<int>() != kPositionFormat) throw std::out_of_range("format");
    for (const json& row : parsed.at("files")) position.files.push_back(DecodeMark(row));
    for (const json& row : parsed.value("gone", json::array())) {
      position.gone.push_back(DecodeMark(row));
    }
    position.after = parsed.value("after", "");
  } catch (const std::exception& problem) {
    return Fail(ErrorKind::kPermanent, "bad_watermark",
                fmt::format("the position in the source files cannot be read: {}", problem.what()),
                std::string(kStartOver));
  }
  return position;
}

Result<FileMark> MarkFile(const File& file, FileMark mark) {
  mark.prefix_bytes = std::min(mark.offset, kHashedBytes);
  BIZOND_ASSIGN_OR_RETURN(mark.prefix_hash, HashOf(file, 0, mark.prefix_bytes));
  BIZOND_ASSIGN_OR_RETURN(mark.tail_hash, TailHash(file, mark.offset));
  return mark;
}

Result<bool> BytesMatch(const File& file, const FileMark& mark) {
  BIZOND_ASSIGN_OR_RETURN(const std::string prefix, HashOf(file, 0, mark.prefix_bytes));
  BIZOND_ASSIGN_OR_RETURN(const std::string tail, TailHash(file, mark.offset));
  return prefix == mark.prefix_hash && tail == mark.tail_hash;
}

}  // namespace bizond
