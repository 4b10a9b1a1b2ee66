#include "destinations/file/fingerprint.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/identity.h"
#include "destinations/divergence.h"

namespace bizond {
namespace {

// Appends file[end - size, end) to `out`.
Status AppendRange(const File& file, uint64_t end, uint64_t size, std::string* out) {
  const size_t before = out->size();
  out->resize(before + size);
  BIZOND_ASSIGN_OR_RETURN(const size_t got, file.ReadAt(out->data() + before, size, end - size));
  if (got == size) return {};
  return Fail(ErrorKind::kPermanent, "io_error", file.path() + " became shorter while it was read",
              "find out what else writes this file: fuser -v");
}

}  // namespace

Result<FileFingerprint> FingerprintOf(const File& file, uint64_t length) {
  BIZOND_ASSIGN_OR_RETURN(const FileInfo info, file.Info());
  std::string tail;
  BIZOND_RETURN_IF_ERROR(
      AppendRange(file, length, std::min(length, FileFingerprint::kTailBytes), &tail));
  return FileFingerprint{.inode = info.inode, .length = length, .tail = HexOf(HashBytes(tail))};
}

Result<FileFingerprint> FingerprintOf(const File& file) {
  BIZOND_ASSIGN_OR_RETURN(const FileInfo info, file.Info());
  return FingerprintOf(file, info.size_bytes);
}

Result<FileFingerprint> FingerprintAfterAppend(const File& target, const FileFingerprint& before,
                                               const File& staging, uint64_t bytes) {
  const uint64_t from_staging = std::min(bytes, FileFingerprint::kTailBytes);
  const uint64_t from_target = std::min(before.length, FileFingerprint::kTailBytes - from_staging);
  std::string tail;
  BIZOND_RETURN_IF_ERROR(AppendRange(target, before.length, from_target, &tail));
  BIZOND_RETURN_IF_ERROR(AppendRange(staging, bytes, from_staging, &tail));
  return FileFingerprint{
      .inode = before.inode, .length = before.length + bytes, .tail = HexOf(HashBytes(tail))};
}

void to_json(nlohmann::json& json, const FileFingerprint& fingerprint) {
  json = {{"v", 1},
          {"inode", fingerprint.inode},
          {"length", fingerprint.length},
          {"tail", fingerprint.tail}};
}

void from_json(const nlohmann::json& json, FileFingerprint& fingerprint) {
  if (json.at("v") != 1) throw nlohmann::json::other_error::create(501, "version", &json);
  json.at("inode").get_to(fingerprint.inode);
  json.at("length").get_to(fingerprint.length);
  json.at("tail").get_to(fingerprint.tail);
}

std::string EncodeFingerprint(const FileFingerprint& fingerprint) {
  return nlohmann::json(fingerprint).dump();
}

Result<FileFingerprint> DecodeFingerprint(std::string_view what, std::string_view text) {
  try {
    return nlohmann::json::parse(text).get<FileFingerprint>();
  } catch (const nlohmann::json::exception&) {
    return Failure(BadMark(what, text));
  }
}

}  // namespace bizond
