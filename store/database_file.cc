#include "store/database_file.h"

#include <fmt/format.h>

#include <array>

namespace bizond {
namespace {

// https://www.sqlite.org/fileformat.html, 1.3
constexpr size_t kHeaderBytes = 100;
constexpr size_t kPageSizeAt = 16;
constexpr size_t kUserVersionAt = 60;
constexpr size_t kApplicationIdAt = 68;
constexpr std::string_view kMagic("SQLite format 3\0", 16);

uint32_t BigEndian(std::string_view bytes, size_t at, size_t count) {
  uint32_t value = 0;
  for (size_t i = 0; i < count; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

}  // namespace

Failure StoreCorrupt(std::string_view path, std::string_view what) {
  return Fail(ErrorKind::kPermanent, "store_corrupt",
              fmt::format("{} is damaged: {}; nothing was written to it", path, what),
              "put a backup in its place: bizond restore FILE --state-dir DIR; or look closer: "
              "bizond doctor");
}

Result<std::optional<DatabaseHeader>> ReadDatabaseHeader(const Root& root, std::string_view file) {
  const std::string path = (root.path() / file).string();
  BIZOND_ASSIGN_OR_RETURN(const auto info, root.Stat(file));
  if (!info) return std::optional<DatabaseHeader>();
  BIZOND_ASSIGN_OR_RETURN(const File opened, root.OpenFile(file, OpenMode::kRead));
  std::array<char, kHeaderBytes> buffer{};
  BIZOND_ASSIGN_OR_RETURN(const size_t got, opened.ReadAt(buffer.data(), buffer.size(), 0));
  const std::string_view bytes(buffer.data(), got);
  if (got < kHeaderBytes) {
    return StoreCorrupt(path, fmt::format("it holds {} bytes, less than a header", got));
  }
  if (!bytes.starts_with(kMagic)) return StoreCorrupt(path, "it is not a SQLite database");
  uint32_t page_size = BigEndian(bytes, kPageSizeAt, 2);
  if (page_size == 1) page_size = 65536;
  const bool power_of_two = (page_size & (page_size - 1)) == 0;
  if (page_size < 512 || !power_of_two) {
    return StoreCorrupt(path, fmt::format("its header names a page size of {}", page_size));
  }
  return std::optional<DatabaseHeader>(
      DatabaseHeader{static_cast<int32_t>(BigEndian(bytes, kApplicationIdAt, 4)),
                     static_cast<int32_t>(BigEndian(bytes, kUserVersionAt, 4))});
}

Status CheckDatabaseHeader(const DatabaseHeader& header, int32_t application_id, int newest_version,
                           std::string_view path) {
  if (header.application_id != application_id) {
    return StoreCorrupt(path, "its header says that it is not a database of bizond");
  }
  if (header.user_version < 1) return StoreCorrupt(path, "its header names no version");
  if (header.user_version > newest_version) {
    return Fail(ErrorKind::kPermanent, "store_newer",
                fmt::format("{} was written by a newer bizond (version {} of the database, this "
                            "binary knows {}); it was not touched",
                            path, header.user_version, newest_version),
                fmt::format("run the newer bizond, or put the copy from before its migration back: "
                            "ls '{}'.before-*",
                            path));
  }
  return {};
}

Status SyncFile(const Root& root, std::string_view file) {
  BIZOND_ASSIGN_OR_RETURN(File opened, root.OpenFile(file, OpenMode::kWrite));
  BIZOND_RETURN_IF_ERROR(opened.Sync());
  return root.SyncDirectoryOf(file);
}

}  // namespace bizond
