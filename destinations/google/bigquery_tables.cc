// BigQueryApi: datasets and tables.
#include <fmt/format.h>

#include "destinations/google/bigquery_api_impl.h"

namespace bizond {
namespace {

std::string DatasetsUrl(const BigQueryEndpoints& endpoints, const BigQueryTableName& name) {
  return fmt::format("{}/bigquery/v2/projects/{}/datasets", endpoints.rest,
                     EncodePathSegment(name.project));
}

std::string DatasetUrl(const BigQueryEndpoints& endpoints, const BigQueryTableName& name) {
  return DatasetsUrl(endpoints, name) + "/" + EncodePathSegment(name.dataset);
}

std::string TableUrl(const BigQueryEndpoints& endpoints, const BigQueryTableName& name) {
  return DatasetUrl(endpoints, name) + "/tables/" + EncodePathSegment(name.table);
}

void ReadLabels(const nlohmann::json& resource, BigQueryTable* table) {
  const nlohmann::json labels = JsonObject(resource, "labels");
  for (const auto& [key, value] : labels.items()) {
    if (value.is_string()) table->labels[key] = value.get<std::string>();
  }
}

Result<BigQueryTable> ReadTable(const BigQueryTableName& name, nlohmann::json resource) {
  BigQueryTable table;
  table.name = name;
  if (resource.contains("schema")) {
    BIZOND_ASSIGN_OR_RETURN(table.schema, SchemaFromRest(resource["schema"]));
  }
  table.etag = JsonText(resource, "etag");
  table.rows = static_cast<uint64_t>(JsonInt(resource, "numRows"));
  table.modified_ms = JsonInt(resource, "lastModifiedTime");
  table.created_ms = JsonInt(resource, "creationTime");
  table.streaming_buffer = resource.contains("streamingBuffer");
  ReadLabels(resource, &table);
  table.resource = std::move(resource);
  return table;
}

}  // namespace

Result<bool> BigQueryApi::DatasetExists(const BigQueryTableName& in, std::stop_token stop) {
  GoogleCall call{.url = DatasetUrl(impl_->endpoints, in)};
  call.answers = {404};
  BIZOND_ASSIGN_OR_RETURN(const HttpResponse response, impl_->transport.Send(call, stop));
  return response.status != 404;
}

Status BigQueryApi::CreateDataset(const BigQueryTableName& in, std::stop_token stop) {
  const nlohmann::json body = {
      {"datasetReference", {{"projectId", in.project}, {"datasetId", in.dataset}}},
      {"location", impl_->location}};
  GoogleCall call{.method = "POST", .url = DatasetsUrl(impl_->endpoints, in), .body = body.dump()};
  call.answers = {409};
  BIZOND_RETURN_IF_ERROR(impl_->transport.Send(call, stop));
  return {};
}

Result<std::optional<BigQueryTable>> BigQueryApi::GetTable(const BigQueryTableName& name,
                                                           std::stop_token stop) {
  GoogleCall call{.url = TableUrl(impl_->endpoints, name)};
  call.answers = {404};
  BIZOND_ASSIGN_OR_RETURN(const HttpResponse response, impl_->transport.Send(call, stop));
  if (response.status == 404) return std::nullopt;
  auto resource = nlohmann::json::parse(response.body, nullptr, false);
  if (!resource.is_object()) {
    return Failure(BadAnswer("table " + name.Dotted(), "the answer is no JSON object"));
  }
  BIZOND_ASSIGN_OR_RETURN(BigQueryTable table, ReadTable(name, std::move(resource)));
  return std::optional(std::move(table));
}

Result<std::vector<BigQueryTable>> BigQueryApi::ListTables(const BigQueryTableName& in,
                                                           std::string_view prefix,
                                                           std::stop_token stop) {
  std::vector<BigQueryTable> found;
  std::string page;
  do {
    GoogleCall call{.url = DatasetUrl(impl_->endpoints, in) + "/tables?maxResults=1000"};
    if (!page.empty()) call.url += "&pageToken=" + EncodePathSegment(page);
    call.answers = {404};
    BIZOND_ASSIGN_OR_RETURN(const HttpResponse response, impl_->transport.Send(call, stop));
    if (response.status == 404) return found;
    const auto answer = nlohmann::json::parse(response.body, nullptr, false);
    if (!answer.is_object()) {
      return Failure(BadAnswer("dataset " + in.dataset, "the answer is no JSON object"));
    }
    page = JsonText(answer, "nextPageToken");
    const auto tables = answer.find("tables");
    if (tables == answer.end() || !tables->is_array()) continue;
    for (const nlohmann::json& resource : *tables) {
      std::string name = JsonText(JsonObject(resource, "tableReference"), "tableId");
      if (!name.starts_with(prefix)) continue;
      BigQueryTable table;
      table.name = in.WithTable(std::move(name));
      ReadLabels(resource, &table);
      found.push_back(std::move(table));
    }
  } while (!page.empty());
  return found;
}

Status BigQueryApi::CreateTable(const BigQueryTableName& name, nlohmann::json resource,
                                std::stop_token stop) {
  resource["tableReference"] = name.Reference();
  GoogleCall call{.method = "POST",
                  .url = DatasetUrl(impl_->endpoints, name) + "/tables",
                  .body = resource.dump()};
  call.answers = {409};
  BIZOND_RETURN_IF_ERROR(impl_->transport.Send(call, stop));
  return {};
}

Status BigQueryApi::PatchTable(const BigQueryTableName& name, const nlohmann::json& change,
                               std::stop_token stop, const std::string& if_etag) {
  GoogleCall call{
      .method = "PATCH", .url = TableUrl(impl_->endpoints, name), .body = change.dump()};
  if (!if_etag.empty()) call.headers.emplace_back("If-Match", if_etag);
  BIZOND_RETURN_IF_ERROR(impl_->transport.Send(call, stop));
  return {};
}

Status BigQueryApi::DeleteTable(const BigQueryTableName& name, std::stop_token stop) {
  GoogleCall call{.method = "DELETE", .url = TableUrl(impl_->endpoints, name)};
  call.answers = {404};
  BIZOND_RETURN_IF_ERROR(impl_->transport.Send(call, stop));
  return {};
}

}  // namespace bizond
