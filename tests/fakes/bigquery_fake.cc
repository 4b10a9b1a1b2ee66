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
  rest_port_ = ports.at("rest_port");
  grpc_port_ = ports.value("grpc_port", 0);
}

HttpResponse BigQueryFake::Send(const std::string& method, const std::string& path,
                                const nlohmann::json& body) {
  HttpRequest request;
  request.method = method;
  request.url = RestUrl() + path;
  if (!body.is_null()) {
    request.body = body.dump();
    request.headers.emplace_back("Content-Type", "application/json");
  }
  const std::lock_guard lock(mutex_);
  Result<HttpResponse> response = client_.Send(request, {});
  if (!response) throw std::runtime_error("the fake of BigQuery: " + response.error().message);
  return *std::move(response);
}

nlohmann::json BigQueryFake::Ask(const std::string& method, const std::string& path,
                                 const nlohmann::json& body) {
  const HttpResponse response = Send(method, path, body);
  if (response.status != 200) {
    throw std::runtime_error("the fake of BigQuery answered " + std::to_string(response.status) +
                             " to " + method + " " + path + ": " + response.body);
  }
  return nlohmann::json::parse(response.body);
}

void BigQueryFake::Reset() { Ask("POST", "/_fake/reset"); }

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

nlohmann::json BigQueryFake::Tables() { return Ask("GET", "/_fake/tables").at("tables"); }

nlohmann::json BigQueryFake::Jobs() { return Ask("GET", "/_fake/jobs").at("jobs"); }

void BigQueryFake::Fault(const nlohmann::json& fault) { Ask("POST", "/_fake/faults", fault); }

nlohmann::json BigQueryFake::Calls() { return Ask("GET", "/_fake/calls").at("calls"); }

void BigQueryFake::SetOptions(const nlohmann::json& options) {
  Ask("POST", "/_fake/options", options);
}

void BigQueryFake::Advance(double seconds) {
  Ask("POST", "/_fake/advance", {{"seconds", seconds}});
}

void BigQueryFake::FlushStreamingBuffer() { Ask("POST", "/_fake/flush_streaming_buffer"); }

}  // namespace bizond
