// BigQueryFake: the fake of BigQuery (tests/fakes/bigquery), started once a test binary, on demand.
//
// It is a process of its own on free ports of 127.0.0.1, ended by its pid when the binary ends.
// What it does and does not is in tests/fakes/bigquery/README.md. A helper that gets no answer
// throws: the test cannot go on.
//
// Threads: any.
#ifndef BIZOND_TESTS_FAKES_BIGQUERY_FAKE_H_
#define BIZOND_TESTS_FAKES_BIGQUERY_FAKE_H_

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fakes/http_peer.h"
#include "tests/fakes/server_process.h"

namespace bizond {

class BigQueryFake {
 public:
  // The project that it serves.
  static constexpr std::string_view kProject = "p1";

  // Of this binary; scripts/setup --tests makes what it runs in.
  static BigQueryFake& Get();

  const std::string& RestUrl() const { return peer_->url(); }
  std::string GrpcAddress() const { return "127.0.0.1:" + std::to_string(grpc_port_); }

  // Forgets everything: tables, jobs, objects, streams, faults, options, calls.
  void Reset();
  // Makes a dataset of kProject; one that is there stays.
  void CreateDataset(const std::string& dataset, const std::string& location = "US");
  // The committed rows of "project.dataset.table" in the order of their insertion, a canonical JSON
  // object each: columns in the table's order, nulls said. Streamed rows are among them.
  std::vector<std::string> Rows(const std::string& table);
  // {"project.dataset.table": resource}
  nlohmann::json Tables();
  nlohmann::json Jobs();
  // A fault for the calls to come; tests/fakes/bigquery/faults.py has their keys.
  void Fault(const nlohmann::json& fault);
  // What was asked since the last Reset: [{"method", "path", "status", ...}].
  nlohmann::json Calls();
  // Its options, as world.py has them: {"job_seconds": 3600}.
  void SetOptions(const nlohmann::json& options);
  // Moves its clock: jobs end, insertIds are forgotten.
  void Advance(double seconds);
  void FlushStreamingBuffer();

  // Any request to it.
  HttpResponse Send(const std::string& method, const std::string& path,
                    const nlohmann::json& body = nullptr) {
    return peer_->Send(method, path, body);
  }

 private:
  BigQueryFake();

  ServerProcess process_;
  std::unique_ptr<HttpPeer> peer_;
  int grpc_port_ = 0;
};

}  // namespace bizond

#endif  // BIZOND_TESTS_FAKES_BIGQUERY_FAKE_H_
