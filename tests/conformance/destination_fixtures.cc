#include "tests/conformance/destination_fixtures.h"

#include <fstream>

namespace bizond {

// Each lies in destination_<name>_test.cc.
DestinationFixture MakeBigQueryFixture();
#ifndef BIZOND_NO_GRPC
DestinationFixture MakeBigQueryStreamingV2Fixture();
#endif
DestinationFixture MakeBigQueryStreamingFixture();
DestinationFixture MakeFileFixture();
DestinationFixture MakeLoggerFixture();
DestinationFixture MakeSqliteFixture();

namespace {

constexpr FixtureRow kFixtures[] = {
    {"bigquery", MakeBigQueryFixture},
#ifndef BIZOND_NO_GRPC
    {"bigquery_streaming_v2", MakeBigQueryStreamingV2Fixture},
#endif
    {"bigquery_streaming", MakeBigQueryStreamingFixture},
    {"file", MakeFileFixture},
    {"logger", MakeLoggerFixture},
    {"sqlite", MakeSqliteFixture},
};

}  // namespace

std::span<const FixtureRow> DestinationFixtures() { return kFixtures; }

std::string KeyOf(std::string_view record) {
  const size_t begin = record.find(':') + 1;
  return std::string(record.substr(begin, record.find_first_of(",}", begin) - begin));
}

std::vector<std::string> LinesOf(const std::filesystem::path& path) {
  std::vector<std::string> lines;
  std::ifstream in(path, std::ios::binary);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::vector<StoredRow> RowsOfLines(const std::filesystem::path& path) {
  std::vector<StoredRow> rows;
  for (std::string& line : LinesOf(path)) rows.push_back({KeyOf(line), std::move(line)});
  return rows;
}

}  // namespace bizond
