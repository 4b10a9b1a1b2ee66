// Writes RECORDS records of about 250 bytes as NDJSON on stdout: the same bytes for the same SEED
// on every machine. A record has a key and a cursor that rises, text in several scripts, escapes, a
// nested object, numbers and nulls.
//
//   bench_generate RECORDS [FIRST_ID [SEED]]
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>

namespace bizond::bench {
namespace {

constexpr std::array<std::string_view, 8> kCities = {"Lyon",    "Malmö",   "Łódź", "Αθήνα",
                                                     "Ташкент", "القاهرة", "京都", "Oslo"};
constexpr std::array<std::string_view, 8> kRemarks = {"left at the gate",
                                                      R"(said \"soon\", then left)",
                                                      R"(C:\\in\\box)",
                                                      R"(two lines\nof text)",
                                                      R"(a\ttab)",
                                                      "déjà vu 🚀",
                                                      "nothing to report today",
                                                      "see a/b"};

// The distributions of <random> differ between libraries; the engine does not.
uint64_t Below(std::mt19937_64* random, uint64_t limit) { return (*random)() % limit; }

template <size_t N>
std::string_view Pick(const std::array<std::string_view, N>& from, std::mt19937_64* random) {
  return from[Below(random, N)];
}

void AppendRecord(uint64_t id, std::mt19937_64* random, std::string* out) {
  using std::chrono::days;
  constexpr uint64_t kMicrosBetween = 250'000;
  const uint64_t micros = id * kMicrosBetween;
  const uint64_t seconds = micros / 1'000'000;
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::year(2020) / 1 / 1) +
                                         days(seconds / 86400)};
  const std::string_view city = Pick(kCities, random);
  const std::string_view remark = Pick(kRemarks, random);
  const auto number = [&](uint64_t limit) {
    return static_cast<unsigned long long>(Below(random, limit));
  };
  const unsigned long long token = number(uint64_t{1} << 48);
  const unsigned long long cents = number(1'000'000);
  const unsigned long long zip = number(100'000);
  const unsigned long long latitude = number(1'000'000);
  const unsigned long long longitude = number(1'000'000);
  const bool known = Below(random, 10) < 7;
  std::array<char, 512> line;
  const int size = std::snprintf(
      line.data(), line.size(),
      R"({"id":%llu,"updated_at":"%04d-%02u-%02uT%02u:%02u:%02u.%06uZ","name":"customer %012llx",)"
      R"("email":"c%llu@example.org",)"
      R"("amount":%llu.%02llu,"active":%s,"remark":%s%.*s%s,)"
      R"("address":{"city":"%.*s","zip":"%05llu","geo":{"lat":%u.%06llu,"lon":-%u.%06llu}}})"
      "\n",
      static_cast<unsigned long long>(id), int{date.year()}, unsigned{date.month()},
      unsigned{date.day()}, static_cast<unsigned>(seconds / 3600 % 24),
      static_cast<unsigned>(seconds / 60 % 60), static_cast<unsigned>(seconds % 60),
      static_cast<unsigned>(micros % 1'000'000), token, static_cast<unsigned long long>(id),
      cents / 100, cents % 100, known ? "true" : "false", known ? "\"" : "null",
      known ? static_cast<int>(remark.size()) : 0, remark.data(), known ? "\"" : "",
      static_cast<int>(city.size()), city.data(), zip, static_cast<unsigned>(id % 90), latitude,
      static_cast<unsigned>(id % 180), longitude);
  out->append(line.data(), static_cast<size_t>(size));
}

int Main(int argc, char** argv) {
  if (argc < 2 || argc > 4) {
    (void)std::fputs("usage: bench_generate RECORDS [FIRST_ID [SEED]]\n", stderr);
    return 2;
  }
  const auto number = [&](int at, uint64_t otherwise) {
    return argc > at ? std::strtoull(argv[at], nullptr, 10) : otherwise;
  };
  const uint64_t records = number(1, 0);
  const uint64_t first = number(2, 1);
  std::mt19937_64 random(number(3, 20260101));
  std::string out;
  for (uint64_t i = 0; i < records; ++i) {
    AppendRecord(first + i, &random, &out);
    if (out.size() < (1 << 20) && i + 1 < records) continue;
    if (std::fwrite(out.data(), 1, out.size(), stdout) != out.size()) return 1;
    out.clear();
  }
  return std::fclose(stdout) == 0 ? 0 : 1;
}

}  // namespace
}  // namespace bizond::bench

int main(int argc, char** argv) { return bizond::bench::Main(argc, argv); }
