#include "tests/conformance/bigquery_streaming_world.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "destinations/bigquery_streaming/streaming_destination.h"

namespace bizond {

using nlohmann::json;

StreamingWorld::StreamingWorld() {
  setenv("BIGQUERY_EMULATOR_HOST", fake_.RestUrl().c_str(), 1);
  fake_.Reset();
  fake_.SetOptions({{"job_seconds", 0}});
  job_.source.name = "dummy";
  job_.source.sync_mode = SyncMode::kIncremental;
  job_.destination.destination_id = "target";
  config_ = {{"project_id", "p1"}, {"dataset_id", "d"}};
}

Result<std::unique_ptr<Destination>> StreamingWorld::Make() {
  BIZOND_ASSIGN_OR_RETURN(Roots roots, Roots::Unrestricted(::testing::TempDir()));
  return OpenBigQueryStreaming(
      {job_, "s", job_.DestinationIdOf("s"), config_.dump(), std::move(roots), clock_});
}

OpenRequest StreamingWorld::Request(const std::string& run) {
  OpenRequest request;
  request.publisher = {"store", 0, "job", "s", run, 1};
  request.mode = mode;
  request.ids = BizonIdMaker(run, "s");
  request.log = &log;
  request.rejects = &rejects;
  return request;
}

Status StreamingWorld::Write(Destination* destination, const RecordPage& page, uint64_t iteration) {
  RecordBatch batch;
  batch.iteration = iteration;
  for (const std::string& text : page) {
    Record record;
    record.data = batch.Store(text);
    record.key = batch.Store(KeyOf(text));
    record.has_key = true;
    record.position = static_cast<uint32_t>(batch.records().size());
    batch.records().push_back(record);
  }
  return destination->WriteRecords(batch);
}

Status StreamingWorld::Run(const Pages& pages, const std::string& run) {
  BIZOND_ASSIGN_OR_RETURN(const std::unique_ptr<Destination> destination, Make());
  BIZOND_RETURN_IF_ERROR(destination->Open(Request(run), {}));
  for (size_t i = 0; i < pages.size(); ++i) {
    BIZOND_RETURN_IF_ERROR(Write(destination.get(), pages[i], i));
  }
  BIZOND_RETURN_IF_ERROR(destination->Flush());
  BIZOND_RETURN_IF_ERROR(destination->Finalize(""));
  return destination->Cleanup();
}

void StreamingWorld::MustRun(const Pages& pages, const std::string& run) {
  const Status done = Run(pages, run);
  ASSERT_TRUE(done) << Describe(done.error());
}

std::vector<json> StreamingWorld::Rows(const std::string& table) {
  std::vector<json> rows;
  if (!fake_.Tables().contains(table)) return rows;
  for (const std::string& row : fake_.Rows(table)) rows.push_back(json::parse(row));
  return rows;
}

std::multiset<json> StreamingWorld::Records() {
  std::multiset<json> records;
  for (const json& row : Rows()) {
    records.insert(json::parse(row.at("_source_data").get<std::string>()));
  }
  return records;
}

std::multiset<json> StreamingWorld::Expected(const Pages& pages) {
  std::multiset<json> records;
  for (const RecordPage& page : pages) {
    for (const std::string& text : page) records.insert(json::parse(text));
  }
  return records;
}

int StreamingWorld::Calls(const std::string& method, const std::string& path) {
  int calls = 0;
  for (const json& call : fake_.Calls()) {
    const bool there = call.at("path").get<std::string>().find(path) != std::string::npos;
    if (call.at("method") == method && there) ++calls;
  }
  return calls;
}

}  // namespace bizond
