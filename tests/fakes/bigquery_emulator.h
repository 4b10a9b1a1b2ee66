// BigQueryEmulator: bqemulator, an emulator of BigQuery that others wrote, started once a test
// binary, on demand: what its authors and ours both took BigQuery to be is more likely so. It takes
// seconds to start. It takes a job id twice, knows no insertErrors and no columns of type RECORD in
// the Storage Write API: those are BigQueryFake's. Nor does it write a query job's
// destinationTable, count the rows that a copy adds to a table, list the labels of tables, or show
// the row at the offset of FlushRows. It unpacks gzip of objects, and not of uploads.
//
// Threads: any.
#ifndef BIZOND_TESTS_FAKES_BIGQUERY_EMULATOR_H_
#define BIZOND_TESTS_FAKES_BIGQUERY_EMULATOR_H_

#include <atomic>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fakes/http_peer.h"
#include "tests/fakes/server_process.h"

namespace bizond {

class BigQueryEmulator {
 public:
  static constexpr std::string_view kProject = "p1";

  // Of this binary; scripts/setup --tests installs it.
  static BigQueryEmulator& Get();
  ~BigQueryEmulator();

  const std::string& RestUrl() const { return peer_->url(); }
  std::string GrpcAddress() const { return "127.0.0.1:" + std::to_string(grpc_port_); }
  // gs://bucket/object is the file bucket/object of this folder.
  const std::filesystem::path& objects() const { return objects_; }

  // A new dataset of kProject: tests share the emulator, not their tables.
  std::string NewDataset();
  // The rows of "project.dataset.table", at most 10,000: an object each, with values as the REST
  // API has them (text or null).
  std::vector<nlohmann::json> Rows(const std::string& table);
  // Any request to it.
  HttpResponse Send(const std::string& method, const std::string& path,
                    const nlohmann::json& body = nullptr) {
    return peer_->Send(method, path, body);
  }

 private:
  explicit BigQueryEmulator(std::filesystem::path objects);

  const std::filesystem::path objects_;
  ServerProcess process_;
  std::unique_ptr<HttpPeer> peer_;
  int grpc_port_ = 0;
  std::atomic<int> datasets_ = 0;
};

}  // namespace bizond

#endif  // BIZOND_TESTS_FAKES_BIGQUERY_EMULATOR_H_
