#include "scheduler/zone_file.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace bizond {
namespace {

namespace chrono = std::chrono;
namespace fs = std::filesystem;
using chrono::seconds;

constexpr size_t kLargestFile = size_t{256} * 1024;  // The system's are below 4 KiB.
constexpr size_t kLongestName = 100;
// Of RFC 8536: what an offset from UTC may be.
constexpr seconds kLowestOffset = -(chrono::hours(25) - seconds(1));
constexpr seconds kHighestOffset = chrono::hours(26) - seconds(1);

// Files beside the zones, and the zones that are not places: another count of seconds, or a name
// for whatever the machine is set to.
constexpr std::array<std::string_view, 6> kNotZones = {"posix",     "right",       "posixrules",
                                                       "localtime", "leapseconds", "Factory"};

std::string ZoneFolder() {
  const char* const folder = std::getenv("TZDIR");
  return folder != nullptr && *folder != '\0' ? folder : "/usr/share/zoneinfo";
}

bool IsNameChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '+';
}

// "America/Argentina/Salta": no dot and no empty part, so that no name leaves the folder.
bool IsZoneName(std::string_view name) {
  if (name.empty() || name.size() > kLongestName || name.front() == '+') return false;
  const std::string_view first = name.substr(0, name.find('/'));
  if (std::find(kNotZones.begin(), kNotZones.end(), first) != kNotZones.end()) return false;
  char before = '/';
  for (const char c : name) {
    if (c == '/' ? before == '/' : !IsNameChar(c)) return false;
    before = c;
  }
  return before != '/';
}

// Empty for what cannot be read, a folder included.
std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes;
  // Most have one or two kilobytes, and they are read often.
  std::array<char, 4096> part{};
  while (bytes.size() < kLargestFile) {
    const size_t most = std::min(part.size(), kLargestFile - bytes.size());
    file.read(part.data(), static_cast<std::streamsize>(most));
    if (file.gcount() <= 0) break;
    bytes.append(part.data(), static_cast<size_t>(file.gcount()));
  }
  return bytes;
}

std::string FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line(64, '\0');
  file.read(line.data(), static_cast<std::streamsize>(line.size()));
  line.resize(static_cast<size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  return line.substr(0, line.find_first_of("\r\n"));
}

// Takes big-endian numbers from the front; `ok` turns false where the text is too short.
struct BinaryReader {
  std::string_view rest;
  bool ok = true;

  std::string_view Take(uint64_t size) {
    if (size > rest.size()) {
      ok = false;
      rest = {};
      return {};
    }
    const std::string_view taken = rest.substr(0, size);
    rest.remove_prefix(size);
    return taken;
  }
  uint64_t Unsigned(size_t size) {
    uint64_t value = 0;
    for (const char c : Take(size)) value = value << 8 | static_cast<unsigned char>(c);
    return value;
  }
};

struct Header {
  char version = '\0';
  uint64_t utc_marks, standard_marks, leaps, times, types, letters;

  // Of the block behind it, where a time takes `time_size` bytes.
  uint64_t BlockSize(uint64_t time_size) const {
    return times * (time_size + 1) + types * 6 + letters + leaps * (time_size + 4) +
           standard_marks + utc_marks;
  }
};

Header TakeHeader(BinaryReader& in) {
  Header header{};
  in.ok = in.Take(4) == "TZif" && in.ok;
  header.version = static_cast<char>(in.Unsigned(1));
  in.Take(15);
  for (uint64_t* count : {&header.utc_marks, &header.standard_marks, &header.leaps, &header.times,
                          &header.types, &header.letters}) {
    *count = in.Unsigned(4);
  }
  return header;
}

}  // namespace

std::optional<ZoneFile> ParseZoneFile(std::string_view bytes) {
  BinaryReader in{bytes};
  const Header old = TakeHeader(in);  // Its times have 32 bits: the second block says all again.
  if (!in.ok || old.version < '2') return std::nullopt;
  in.Take(old.BlockSize(4));
  const Header header = TakeHeader(in);
  if (!in.ok || header.leaps != 0 || header.types == 0 || header.BlockSize(8) > in.rest.size()) {
    return std::nullopt;
  }
  BinaryReader times{in.Take(header.times * 8)};
  const std::string_view type_of = in.Take(header.times);
  std::vector<seconds> offsets;
  for (uint64_t i = 0; i < header.types; ++i) {
    offsets.emplace_back(static_cast<int32_t>(static_cast<uint32_t>(in.Unsigned(4))));
    in.Take(2);  // Whether it is daylight saving, and its name.
    if (offsets.back() < kLowestOffset || offsets.back() > kHighestOffset) return std::nullopt;
  }
  in.Take(header.letters + header.standard_marks + header.utc_marks);
  ZoneFile file;
  file.first_offset = offsets.front();
  file.changes.reserve(header.times);
  for (const char type : type_of) {
    const auto at = chrono::sys_seconds(seconds(static_cast<int64_t>(times.Unsigned(8))));
    const auto index = static_cast<unsigned char>(type);
    const bool ordered = file.changes.empty() || file.changes.back().at < at;
    if (index >= offsets.size() || !ordered) return std::nullopt;
    file.changes.push_back({at, offsets[index]});
  }
  // Between two newlines.
  if (!in.ok || in.rest.size() < 2 || in.rest.front() != '\n' || in.rest.back() != '\n') {
    return std::nullopt;
  }
  file.footer = ParseZoneFooter(in.rest.substr(1, in.rest.size() - 2));
  return file;
}

std::optional<ZoneFile> ReadZoneFile(std::string_view name) {
  if (!IsZoneName(name)) return std::nullopt;
  return ParseZoneFile(ReadFile(fmt::format("{}/{}", ZoneFolder(), name)));
}

std::vector<std::string> ZoneNames() {
  const fs::path folder(ZoneFolder());
  std::vector<std::string> names;
  std::error_code error;
  const auto options = fs::directory_options::skip_permission_denied;
  for (fs::recursive_directory_iterator entry(folder, options, error), end; !error && entry != end;
       entry.increment(error)) {
    std::string name = entry->path().lexically_relative(folder).string();
    std::error_code ignored;
    const bool is_folder = entry->is_directory(ignored);
    if (!IsZoneName(name)) {
      if (is_folder) entry.disable_recursion_pending();
    } else if (!is_folder) {
      names.push_back(std::move(name));
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string TzdataVersion() {
  constexpr std::string_view kMark = "# version ";
  const std::string folder = ZoneFolder();
  if (std::string line = FirstLine(folder + "/tzdata.zi"); line.starts_with(kMark)) {
    return line.substr(kMark.size(), 32);
  }
  if (std::string line = FirstLine(folder + "/+VERSION"); !line.empty()) return line.substr(0, 32);
  uint64_t hash = 0;
  bool any = false;
  for (const std::string& name : ZoneNames()) {
    const std::string bytes = ReadFile(fmt::format("{}/{}", folder, name));
    hash = XXH3_64bits_withSeed(name.data(), name.size(), hash);
    hash = XXH3_64bits_withSeed(bytes.data(), bytes.size(), hash);
    any = true;
  }
  return any ? fmt::format("files-{:016x}", hash) : "unknown";
}

}  // namespace bizond
