// ZoneFile: one compiled file of the system's time zones (TZif, RFC 8536) as changes of the offset.
//
// The folder is $TZDIR, as for the C library, else /usr/share/zoneinfo.
//
// Threads: every function may be called from any thread.
#ifndef BIZOND_SCHEDULER_ZONE_FILE_H_
#define BIZOND_SCHEDULER_ZONE_FILE_H_

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scheduler/zone_footer.h"

namespace bizond {

struct ZoneFile {
  std::chrono::seconds first_offset{0};  // Before the first change.
  // In the order of time; neighbours may have one offset.
  std::vector<ZoneFooter::Change> changes;
  std::optional<ZoneFooter> footer;  // Holds after the last change.
};

// Empty for what is not a TZif file of version 2 or later, and for one that counts leap seconds.
std::optional<ZoneFile> ParseZoneFile(std::string_view bytes);

// Empty when the system has no such zone. `name` may be any text: it is never taken for a path
// that leaves the folder.
std::optional<ZoneFile> ReadZoneFile(std::string_view name);

// Every zone of the system, sorted; empty when it has none.
std::vector<std::string> ZoneNames();

// "2025b", of the system's tzdata. Where the folder holds no version, "files-" and a hash of the
// zones in it; "unknown" where it holds no zone either.
std::string TzdataVersion();

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_ZONE_FILE_H_
