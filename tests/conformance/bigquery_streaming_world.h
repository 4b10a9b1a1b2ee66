// StreamingWorld: the destination bigquery_streaming over the fake, with a clock that waits for
// nothing, and its rows read back.
//
// Threads: one test at a time.
#ifndef BIZOND_TESTS_CONFORMANCE_BIGQUERY_STREAMING_WORLD_H_
#define BIZOND_TESTS_CONFORMANCE_BIGQUERY_STREAMING_WORLD_H_

#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "tests/conformance/destination_harness.h"
#include "tests/conformance/hasty_clock.h"
#include "tests/fakes/bigquery_fake.h"

namespace bizond {

class StreamingWorld {
 public:
  // A fake without anything, of which `dataset` and "target" will be the table.
  StreamingWorld();

  // Keys beside project_id, dataset_id and destination_id.
  void Configure(const nlohmann::json& more) { config_.update(more); }
  JobSpec& job() { return job_; }
  HastyClock& clock() { return clock_; }
  BigQueryFake& fake() { return fake_; }

  Result<std::unique_ptr<Destination>> Make();
  OpenRequest Request(const std::string& run = "r1");
  static Status Write(Destination* destination, const RecordPage& page, uint64_t iteration = 0);
  // One run from its beginning to its end.
  Status Run(const Pages& pages, const std::string& run = "r1");
  void MustRun(const Pages& pages, const std::string& run = "r1");

  // The table's rows as JSON.
  std::vector<nlohmann::json> Rows(const std::string& table = "p1.d.target");
  // The records in them, sorted; JSON as its text says it.
  std::multiset<nlohmann::json> Records();
  static std::multiset<nlohmann::json> Expected(const Pages& pages);
  nlohmann::json Table(const std::string& table = "p1.d.target") {
    return fake_.Tables().at(table);
  }
  // How many calls of this method were made to a path that ends so, or holds it.
  int Calls(const std::string& method, const std::string& path);

  PublishMode mode = PublishMode::kAppend;
  ListRejects rejects;
  ListLog log;

 private:
  BigQueryFake& fake_ = BigQueryFake::Get();
  HastyClock clock_;
  JobSpec job_;
  nlohmann::json config_;
};

}  // namespace bizond

#endif  // BIZOND_TESTS_CONFORMANCE_BIGQUERY_STREAMING_WORLD_H_
