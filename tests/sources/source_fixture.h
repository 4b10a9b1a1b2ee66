// What tests of sources share: a folder under a root, and a source that is read as the pump reads
// it.
//
// Threads: one thread at a time.
#ifndef BIZOND_TESTS_SOURCES_SOURCE_FIXTURE_H_
#define BIZOND_TESTS_SOURCES_SOURCE_FIXTURE_H_

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "sources/catalog.h"
#include "sync/record_parser.h"

namespace bizond {

// An empty folder that goes away with the test.
class TestFolder {
 public:
  TestFolder() {
    static int count = 0;
    path_ = std::filesystem::path(::testing::TempDir()) /
            ("bizond-sources-" + std::to_string(getpid()) + "-" + std::to_string(count++));
    std::filesystem::create_directories(path_);
  }
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

  void Write(std::string_view name, std::string_view bytes) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary | std::ios::trunc) << bytes;
  }
  void Append(std::string_view name, std::string_view bytes) const {
    std::ofstream(path_ / name, std::ios::binary | std::ios::app) << bytes;
  }

 private:
  std::filesystem::path path_;
};

// What one run read, page by page.
struct ReadResult {
  std::vector<std::string> records;
  std::vector<std::string> ids;  // iteration/position of each record
  std::vector<RejectedRecord> rejects;
  std::vector<std::string> paginations;  // Where each page began.
  std::vector<size_t> page_ends;         // Records read up to the end of each page.
  std::string upper_bound;
  std::string position;
  uint64_t rows_read = 0;
  std::optional<Error> error;

  std::string code() const { return error ? error->code : ""; }
};

struct SourceSetup {
  std::string connector = "file";
  std::string stream = "s";
  std::string config = {};
  SyncMode mode = SyncMode::kFullRefresh;
  OnError on_error = OnError::kFail;
  std::string cursor_field = {};
  std::vector<std::string> primary_key = {};
};

// One opened source with all that it was opened with.
class OpenedSource {
 public:
  OpenedSource(const TestFolder& folder, const SourceSetup& setup, Clock& clock) : setup_(setup) {
    job_.source.sync_mode = setup.mode;
    job_.source.on_error = setup.on_error;
    job_.source.cursor_field = setup.cursor_field;
    job_.source.primary_key = setup.primary_key;
    parser_ = std::make_unique<RecordParser>(setup.cursor_field, setup.primary_key);
    for (const SourceDescriptor& row : SourceCatalog()) {
      if (row.name != setup.connector) continue;
      auto roots = Roots::Open(folder.path(), {});
      auto source = row.open({job_, setup.stream, "id", setup.config, *roots, clock});
      if (source) {
        source_ = std::move(*source);
      } else {
        error = source.error();
      }
    }
  }

  Source* operator->() { return source_.get(); }
  bool ok() const { return source_ != nullptr; }

  // One page; appended to `result`.
  Result<Iteration> ReadPage(const std::optional<Watermark>& watermark,
                             std::string_view upper_bound, std::string_view pagination,
                             uint64_t number, ReadResult* result, std::stop_token stop = {}) {
    ReadRequest request{setup_.mode, watermark, std::string(upper_bound), std::nullopt,
                        parser_.get()};
    batch_.Reset();
    batch_.iteration = number;
    auto iteration = source_->Read(request, pagination, &batch_, stop);
    if (!iteration) return iteration;
    for (const Record& record : batch_.records()) {
      result->records.emplace_back(record.data);
      result->ids.push_back(std::to_string(number) + "/" + std::to_string(record.position));
    }
    for (const RejectedRecord& reject : batch_.rejects()) result->rejects.push_back(reject);
    EXPECT_EQ(iteration->rows_read, batch_.records().size() + batch_.rejects().size());
    result->rows_read += iteration->rows_read;
    result->paginations.emplace_back(pagination);
    result->page_ends.push_back(result->records.size());
    if (iteration->upper_bound) result->upper_bound = *iteration->upper_bound;
    if (iteration->next_position) result->position = *iteration->next_position;
    return iteration;
  }

  // From `pagination` to the end, or for `pages`.
  ReadResult ReadAll(const std::optional<Watermark>& watermark = std::nullopt,
                     std::string upper_bound = "", std::string pagination = "", uint64_t number = 0,
                     size_t pages = SIZE_MAX) {
    ReadResult result;
    result.upper_bound = std::move(upper_bound);
    if (!ok()) {
      result.error = error;
      return result;
    }
    for (size_t page = 0; page < pages; ++page) {
      auto iteration = ReadPage(watermark, result.upper_bound, pagination, number++, &result);
      if (!iteration) {
        result.error = iteration.error();
        return result;
      }
      pagination = iteration->next_pagination;
      if (iteration->exhausted) break;
    }
    result.paginations.push_back(pagination);
    return result;
  }

  const RecordBatch& batch() const { return batch_; }

  std::optional<Error> error;

 private:
  SourceSetup setup_;
  JobSpec job_;
  std::unique_ptr<RecordParser> parser_;
  std::unique_ptr<Source> source_;
  RecordBatch batch_;
};

inline Watermark AtPosition(const std::string& position) {
  Watermark watermark;
  watermark.position = position;
  return watermark;
}

}  // namespace bizond

#endif  // BIZOND_TESTS_SOURCES_SOURCE_FIXTURE_H_
