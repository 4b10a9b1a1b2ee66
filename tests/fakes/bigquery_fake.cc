#include "tests/fakes/bigquery_fake.h"

#include <sstream>
#include <stdexcept>

namespace bizond {

BigQueryFake& BigQueryFake::Get() {
  static BigQueryFake fake;
  return fake;
}

BigQueryFake::BigQueryFake()
    : process_(BIZOND_SOURCE_DIR "/tests/fakes/bigquery/serve",
               {"--project", std::string(kProject)}) {
  const nlohmann::json ports = nlohmann::json::parse(process_.ReadLine());
  peer_ = std::make_unique<HttpPeer>(ports.at("rest_port").get<int>());
  grpc_port_ = ports.at("grpc_port");
}

void BigQueryFake::Reset() { peer_->Ask("POST", "/_fake/reset"); }

void BigQueryFake::CreateDataset(const std::string& dataset, const std::string& location) {
  const std::string path = "/bigquery/v2/projects/" + std::string(kProject) + "/datasets";
  const HttpResponse response =
      Send("POST", path,
           {{"datasetReference", {{"projectId", kProject}, {"datasetId", dataset}}},
            {"location", location}});
  if (response.status != 200 && response.status != 409) throw std::runtime_error(response.body);
}

std::vector<std::string> BigQueryFake::Rows(const std::string& table) {
  const HttpResponse response = Send("GET", "/_fake/rows?table=" + EncodePathSegment(table));
  if (response.status != 200) throw std::runtime_error(response.body);
  std::vector<std::string> rows;
  std::istringstream lines(response.body);
  for (std::string line; std::getline(lines, line);) rows.push_back(line);
  return rows;
}

nlohmann::json BigQueryFake::Tables() { return peer_->Ask("GET", "/_fake/tables").at("tables"); }

nlohmann::json BigQueryFake::Jobs() { return peer_->Ask("GET", "/_fake/jobs").at("jobs"); }

void BigQueryFake::Fault(const nlohmann::json& fault) {
  peer_->Ask("POST", "/_fake/faults", fault);
}

nlohmann::json BigQueryFake::Calls() { return peer_->Ask("GET", "/_fake/calls").at("calls"); }

void BigQueryFake::SetOptions(const nlohmann::json& options) {
  peer_->Ask("POST", "/_fake/options", options);
}

void BigQueryFake::Advance(double seconds) {
  peer_->Ask("POST", "/_fake/advance", {{"seconds", seconds}});
}

void BigQueryFake::FlushStreamingBuffer() { peer_->Ask("POST", "/_fake/flush_streaming_buffer"); }

}  // namespace bizond
