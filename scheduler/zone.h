// Zone: the rules of one IANA time zone as a table of periods of constant offset from UTC.
//
// The rules come from the system's tzdata (scheduler/zone_file.h), whose tables stop in 2037 or
// sooner; the rule in the file's footer fills the table up to 2137. Later instants have the last
// period's offset.
//
// A civil time that no instant shows lies in a gap, one that two instants show in a fold. The table
// says both without a search: see Period.
//
// Threads: a zone never changes and lives as long as the process; Find, Refresh and every const
// method may be called from any thread. A zone whose rules have changed is another object: Find
// answers the new one after a Refresh, and who holds the old one keeps the old rules until then.
#ifndef BIZOND_SCHEDULER_ZONE_H_
#define BIZOND_SCHEDULER_ZONE_H_

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"

namespace bizond {

class Zone {
 public:
  using UtcSeconds = std::chrono::sys_seconds;
  using CivilSeconds = std::chrono::local_seconds;

  // [begin, end) with one offset.
  struct Period {
    UtcSeconds begin;
    UtcSeconds end;
    std::chrono::seconds offset;
    // Where civil time had come to before `begin`, and comes back to after `end`. Civil times from
    // seen_before to the civil begin are a gap; those below seen_before, or from seen_again on, are
    // shown by two instants.
    CivilSeconds seen_before;
    CivilSeconds seen_again;

    CivilSeconds Civil(UtcSeconds time) const {
      return CivilSeconds(time.time_since_epoch() + offset);
    }
    UtcSeconds Utc(CivilSeconds time) const { return UtcSeconds(time.time_since_epoch() - offset); }

    friend bool operator==(const Period&, const Period&) = default;
  };

  // The zone of that name, case included. Code `unknown_timezone`; the remedy offers the nearest
  // names.
  static Result<const Zone*> Find(std::string_view name);

  // Reads the files of the zones that Find has answered again (a few microseconds each; call it
  // when TzdataVersion differs, or by the minute). True when the rules of one have changed: what
  // was computed from it, a compiled Schedule included, is to be computed anew. A file that cannot
  // be read now, as while a package is unpacked, leaves its zone as it is.
  //
  // Old rules are never freed. A release of tzdata changes a handful of zones, of some 10 KiB each.
  static bool Refresh();

  // Use Find; public for the cache and for tests of odd zones. Neighbours differ in their offset.
  Zone(std::string name, std::vector<Period> periods);

  const std::string& name() const { return name_; }
  const std::vector<Period>& periods() const { return periods_; }
  // Index of the period that holds `time`.
  size_t PeriodAt(UtcSeconds time) const;

  // "2026-03-29T03:00:00+02:00".
  std::string LocalText(UtcTime time) const;

 private:
  const std::string name_;
  std::vector<Period> periods_;  // Constant after construction, never empty.
};

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_ZONE_H_
