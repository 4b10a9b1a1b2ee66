#include "scheduler/zone_file.h"

#include <gtest/gtest.h>

#ifndef USE_OS_TZDB
#define USE_OS_TZDB 1
#endif
#include <date/tz.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <thread>

#include "scheduler/schedule.h"
#include "tests/scheduler/instants.h"

namespace bizond {
namespace {

namespace chrono = std::chrono;
namespace fs = std::filesystem;

std::string BytesOf(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string SystemZone(const std::string& name) { return BytesOf("/usr/share/zoneinfo/" + name); }

// A folder of time zones that stands in for the system's.
class ZoneFolderTest : public testing::Test {
 protected:
  ZoneFolderTest() {
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "Test");
    setenv("TZDIR", folder_.c_str(), 1);
  }
  ~ZoneFolderTest() override {
    unsetenv("TZDIR");
    fs::remove_all(folder_);
  }
  void Write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
  }

  const fs::path folder_ =
      fs::temp_directory_path() / ("bizond_zones_" + std::to_string(::getpid()));
};

TEST(ZoneFileTest, EveryZoneOfTheSystemIsAsDateTzReadsIt) {
  const auto names = ZoneNames();
  ASSERT_GT(names.size(), 400U);
  for (const std::string& name : names) {
    const auto zone = Zone::Find(name);
    ASSERT_TRUE(zone.has_value()) << name;
    const date::time_zone* const expected = date::locate_zone(name);
    for (date::sys_seconds at = date::sys_days(date::year(1850) / 1 / 1);
         at < date::sys_days(date::year(2037) / 1 / 1);) {
      const date::sys_info info = expected->get_info(at);
      const auto& periods = (*zone)->periods();
      ASSERT_EQ(periods[(*zone)->PeriodAt(at)].offset, info.offset) << name;
      const auto last =
          std::min<date::sys_seconds>(info.end, date::sys_days(date::year(2037) / 1 / 1)) -
          chrono::seconds(1);
      ASSERT_EQ(periods[(*zone)->PeriodAt(last)].offset, info.offset) << name;
      at = info.end;
    }
  }
}

TEST(ZoneFileTest, ZoneNamesAreThePlacesAlone) {
  const auto names = ZoneNames();
  const auto has = [&](const char* name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  EXPECT_TRUE(has("Europe/Paris"));
  EXPECT_TRUE(has("America/Argentina/Buenos_Aires"));
  EXPECT_TRUE(has("Etc/GMT+5"));
  for (const char* other : {"posixrules", "localtime", "zone.tab", "tzdata.zi", "leapseconds",
                            "right/Europe/Paris", "posix/Europe/Paris", "Europe"}) {
    EXPECT_FALSE(has(other)) << other;
  }
}

TEST(ZoneFileTest, RefusesWhatIsNotAZone) {
  const std::string good = SystemZone("Europe/Paris");
  ASSERT_TRUE(ParseZoneFile(good).has_value());
  for (size_t size = 0; size < good.size(); ++size) {
    ASSERT_FALSE(ParseZoneFile(std::string_view(good).substr(0, size)).has_value()) << size;
  }
  std::string old = good;
  old[4] = '\0';
  EXPECT_FALSE(ParseZoneFile(old).has_value());
  for (const char* name : {"", "/", "Europe/", "/Europe/Paris", "Europe//Paris", "../Paris",
                           "Europe/../Europe/Paris", "right/Europe/Paris", "Europe"}) {
    EXPECT_FALSE(ReadZoneFile(name).has_value()) << name;
  }
}

TEST(ZoneFileTest, BrokenBytesAreRefusedOrMakeAWholeZone) {
  std::mt19937_64 random(7);
  const std::string good = SystemZone("Australia/Lord_Howe");
  for (int i = 0; i < 5'000; ++i) {
    std::string bytes = good;
    for (int edits = 0; edits < 3; ++edits) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    const auto file = ParseZoneFile(bytes);
    if (!file) continue;
    for (size_t c = 1; c < file->changes.size(); ++c) {
      ASSERT_LT(file->changes[c - 1].at, file->changes[c].at);
    }
  }
}

TEST_F(ZoneFolderTest, TheVersionIsTheFoldersOwn) {
  EXPECT_EQ(TzdataVersion(), "unknown");
  Write("Test/A", SystemZone("Europe/Paris"));
  const std::string of_files = TzdataVersion();
  EXPECT_TRUE(of_files.starts_with("files-")) << of_files;
  EXPECT_EQ(TzdataVersion(), of_files);
  Write("Test/A", SystemZone("Asia/Tokyo"));
  EXPECT_NE(TzdataVersion(), of_files);
  Write("+VERSION", "2030c\n");
  EXPECT_EQ(TzdataVersion(), "2030c");
  Write("tzdata.zi", "# version 2031a\n# comment\n");
  EXPECT_EQ(TzdataVersion(), "2031a");
  Write("tzdata.zi", std::string(1'000, 'x'));
  EXPECT_EQ(TzdataVersion(), "2030c");
}

TEST_F(ZoneFolderTest, RefreshTakesUpNewRulesAndKeepsTheOldZoneAlive) {
  const auto next = [] {
    ScheduleSpec spec;
    spec.cron = "0 12 * * *";
    spec.timezone = "Test/Moved";
    return FormatUtc(Schedule::Compile(spec, "job")->Next(At("2026-07-01T00:00:00Z"))->at);
  };
  Write("Test/Moved", SystemZone("Europe/Paris"));
  Write("Test/Stays", SystemZone("Europe/Paris"));
  Zone::Refresh();  // The process may have run this test before.
  const Zone& before = ZoneOf("Test/Moved");
  const Zone& stays = ZoneOf("Test/Stays");
  EXPECT_EQ(next(), "2026-07-01T10:00:00.000Z");
  EXPECT_FALSE(Zone::Refresh());
  Write("Test/Moved", SystemZone("Asia/Tokyo"));
  EXPECT_EQ(&ZoneOf("Test/Moved"), &before) << "nobody asked for the new rules";
  EXPECT_TRUE(Zone::Refresh());
  EXPECT_FALSE(Zone::Refresh());
  EXPECT_EQ(next(), "2026-07-01T03:00:00.000Z");
  EXPECT_EQ(before.LocalText(At("2026-07-01T00:00:00Z")), "2026-07-01T02:00:00+02:00");
  EXPECT_EQ(&ZoneOf("Test/Stays"), &stays) << "its rules are the same";
  // A package is being unpacked.
  fs::remove(folder_ / "Test/Moved");
  EXPECT_FALSE(Zone::Refresh());
  Write("Test/Moved", "TZif2");
  EXPECT_FALSE(Zone::Refresh());
  EXPECT_EQ(next(), "2026-07-01T03:00:00.000Z");
  // What was not found is looked for again. (A name of its own for --gtest_repeat.)
  static int repetition = 0;
  const std::string added = "Test/New" + std::to_string(++repetition);
  EXPECT_FALSE(Zone::Find(added).has_value());
  Write(added, SystemZone("Asia/Tokyo"));
  EXPECT_TRUE(Zone::Find(added).has_value());
}

TEST_F(ZoneFolderTest, RefreshBesideReaders) {
  Write("Test/Shared", SystemZone("Europe/Paris"));
  ASSERT_EQ(ZoneOf("Test/Shared").name(), "Test/Shared");
  std::atomic<bool> done = false;
  std::vector<std::jthread> readers;
  readers.reserve(3);
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&done] {
      while (!done) {
        const Zone& zone = ZoneOf("Test/Shared");
        const std::string text = zone.LocalText(At("2026-07-01T00:00:00Z"));
        EXPECT_TRUE(text.ends_with("+02:00") || text.ends_with("+09:00")) << text;
      }
    });
  }
  for (int i = 0; i < 20; ++i) {
    Write("Test/Next", SystemZone(i % 2 == 0 ? "Asia/Tokyo" : "Europe/Paris"));
    fs::rename(folder_ / "Test/Next", folder_ / "Test/Shared");
    EXPECT_TRUE(Zone::Refresh());
  }
  done = true;
}

}  // namespace
}  // namespace bizond
