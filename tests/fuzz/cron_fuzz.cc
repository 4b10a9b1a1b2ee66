// libFuzzer target for cron expressions: any text is parsed or refused in bounded time, and what is
// parsed moves strictly forward.
//
// Build it by clang++-19 -std=c++20 -g -fsanitize=fuzzer,address,undefined -I. with base/error.cc,
// base/time.cc,
// scheduler/{cron,cron_parse,next_fire,schedule,schedule_words,zone,zone_file,zone_footer}.cc
// and -lfmt -lxxhash.
//
// tests/scheduler/cron_fuzz_test.cc calls the same function with random texts.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "scheduler/schedule.h"

namespace {

void Require(bool promise) {
  if (!promise) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  constexpr std::array<std::string_view, 4> kZones = {"UTC", "Europe/Paris", "Australia/Lord_Howe",
                                                      "Pacific/Apia"};
  bizond::ScheduleSpec spec;
  // The first byte chooses the zone, the policies and the time to start from.
  const unsigned choice = data[0];
  spec.timezone = kZones[choice % kZones.size()];
  spec.on_gap = (choice & 4) != 0 ? bizond::GapPolicy::kSkip : bizond::GapPolicy::kNext;
  spec.on_fold = (choice & 8) != 0 ? bizond::FoldPolicy::kBoth : bizond::FoldPolicy::kFirst;
  spec.cron.assign(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto schedule = bizond::Schedule::Compile(spec, "fuzz");
  if (!schedule) {
    Require(!schedule.error().code.empty() && !schedule.error().message.empty());
    Require(!schedule.error().remedy.empty() && schedule.error().message.size() < 500);
    return 0;
  }
  // From 1970, by steps of some nine years.
  bizond::UtcTime at = bizond::FromUnixMicros(int64_t{choice >> 4} * 300'000'000'000'000);
  for (int i = 0; i < 8; ++i) {
    const auto fire = schedule->Next(at);
    Require(fire.has_value() && fire->at > at);
    // Just before a fire, that fire is the next.
    Require(schedule->Next(fire->at - bizond::Duration(1)) == fire);
    at = fire->at;
  }
  return 0;
}
