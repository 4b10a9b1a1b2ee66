#include "tests/fakes/bigquery_emulator.h"

#include <stdlib.h>

#include <stdexcept>

namespace bizond {
namespace {

std::filesystem::path MakeFolder() {
  std::string name = std::filesystem::temp_directory_path() / "bqemulator-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp " + name);
  return name;
}

// A value of tabledata.list: text, null, {"f": [...]} of a record, or [{"v": ...}] of a repeated
// one.
nlohmann::json Plain(const nlohmann::json& field, const nlohmann::json& value);

nlohmann::json PlainRecord(const nlohmann::json& fields, const nlohmann::json& cells) {
  nlohmann::json record = nlohmann::json::object();
  for (size_t i = 0; i < fields.size(); ++i) {
    record[fields[i].at("name").get<std::string>()] = Plain(fields[i], cells.at(i).at("v"));
  }
  return record;
}

nlohmann::json Plain(const nlohmann::json& field, const nlohmann::json& value) {
  if (value.is_array()) {
    nlohmann::json items = nlohmann::json::array();
    for (const nlohmann::json& item : value) items.push_back(Plain(field, item.at("v")));
    return items;
  }
  return value.is_object() ? PlainRecord(field.at("fields"), value.at("f")) : value;
}

std::string TablePath(const std::string& table) {
  const size_t first = table.find('.');
  const size_t last = table.rfind('.');
  if (first == last) throw std::invalid_argument(table + " is no project.dataset.table");
  return "/bigquery/v2/projects/" + table.substr(0, first) + "/datasets/" +
         table.substr(first + 1, last - first - 1) + "/tables/" + table.substr(last + 1);
}

}  // namespace

BigQueryEmulator& BigQueryEmulator::Get() {
  static BigQueryEmulator emulator(MakeFolder());
  return emulator;
}

BigQueryEmulator::BigQueryEmulator(std::filesystem::path objects)
    : objects_(std::move(objects)),
      process_(BIZOND_SOURCE_DIR "/tests/fakes/bqemulator/serve",
               {"--project", std::string(kProject), "--objects", objects_.string()}) {
  const nlohmann::json ports = nlohmann::json::parse(process_.ReadLine());
  peer_ = std::make_unique<HttpPeer>(ports.at("rest_port").get<int>());
  grpc_port_ = ports.at("grpc_port");
}

BigQueryEmulator::~BigQueryEmulator() {
  std::error_code ignored;
  std::filesystem::remove_all(objects_, ignored);
}

std::string BigQueryEmulator::NewDataset() {
  std::string dataset = "d" + std::to_string(++datasets_);
  peer_->Ask("POST", "/bigquery/v2/projects/" + std::string(kProject) + "/datasets",
             {{"datasetReference", {{"projectId", kProject}, {"datasetId", dataset}}}});
  return dataset;
}

std::vector<nlohmann::json> BigQueryEmulator::Rows(const std::string& table) {
  const std::string path = TablePath(table);
  const nlohmann::json fields = peer_->Ask("GET", path).at("schema").at("fields");
  const nlohmann::json page = peer_->Ask("GET", path + "/data?maxResults=10000");
  std::vector<nlohmann::json> rows;
  for (const nlohmann::json& row : page.value("rows", nlohmann::json::array())) {
    rows.push_back(PlainRecord(fields, row.at("f")));
  }
  return rows;
}

}  // namespace bizond
