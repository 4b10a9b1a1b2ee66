#include "tests/conformance/destination_harness.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "base/identity.h"
#include "destinations/catalog.h"

namespace bizond {
namespace {

namespace fs = std::filesystem;

const DestinationDescriptor& RowNamed(std::string_view name) {
  for (const DestinationDescriptor& row : DestinationCatalog()) {
    if (row.name == name) return row;
  }
  throw std::logic_error(fmt::format("destinations/catalog.cc has no row {}", name));
}

DestinationFixture FixtureNamed(std::string_view name) {
  for (const FixtureRow& row : DestinationFixtures()) {
    if (row.name == name) return row.make();
  }
  throw std::logic_error(fmt::format("destination_fixtures.cc has no row {}", name));
}

std::string Repeated(std::string_view text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += text;
  return out;
}

std::string Hashed(const StoredRow& row) { return row.key + " " + HexOf(HashBytes(row.data)); }

}  // namespace

void ListLog::Warn(const RunWarning& warning) {
  warnings.push_back(warning.code);
  RunLog::Warn(warning);
}

void ListLog::Write(LogLevel, std::string_view message, std::initializer_list<LogField>) {
  lines.emplace_back(message);
}

DestinationHarness::DestinationHarness(std::string_view name, PublishMode mode)
    : DestinationHarness(RowNamed(name), FixtureNamed(name), mode) {}

DestinationHarness::DestinationHarness(const DestinationDescriptor& row, DestinationFixture fixture,
                                       PublishMode mode)
    : row_(row), fixture_(std::move(fixture)), mode_(mode) {
  std::string pattern = fs::path(::testing::TempDir()) / "destination_XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temp folder: " + pattern);
  // The target lies one below, so that a test may look at what stands beside the root.
  folder_ = fs::path(pattern) / "root";
  fs::create_directory(folder_);
  fs::create_directory(folder_.parent_path() / "state");
  job_.source.primary_key = {"id"};
  job_.source.cursor_field = "at";
  if (mode == PublishMode::kMerge) job_.destination.write = WriteMode::kMerge;
  PlaceIn("");
}

DestinationHarness::~DestinationHarness() {
  std::error_code ignored;
  fs::permissions(folder_, fs::perms::owner_all, fs::perm_options::add, ignored);
  fs::remove_all(folder_.parent_path(), ignored);
}

void DestinationHarness::PlaceIn(const std::string& directory, const std::string& id) {
  id_ = id;
  placement_ = fixture_.place ? fixture_.place(directory, id) : Placement{"{}", id};
}

void DestinationHarness::Remove() { fs::remove_all(folder_); }

void DestinationHarness::DropTarget() {
  if (fixture_.drop) return fixture_.drop({folder_, id_, &log_.lines});
  for (const auto& entry : fs::directory_iterator(folder_)) fs::remove_all(entry.path());
}

Status ListRejects::Reject(uint64_t iteration, RejectedRecord reject) {
  (void)iteration;
  rejects.push_back(std::move(reject));
  return {};
}

Result<std::unique_ptr<Destination>> DestinationHarness::Make() {
  BIZOND_ASSIGN_OR_RETURN(Roots roots, Roots::Open(folder_, {}));
  BIZOND_ASSIGN_OR_RETURN(Root state, Root::Open(folder_.parent_path() / "state"));
  return row_.open({job_, "s", placement_.destination_id, placement_.config, std::move(roots),
                    *clock_, std::move(state)});
}

OpenRequest DestinationHarness::Request(const std::string& run) {
  OpenRequest request;
  request.publisher = {"store", 0, "job", "s", run, fence_};
  request.mode = mode_;
  request.on_target_changed = job_.destination.on_target_changed;
  request.mark = mark_;
  request.intent = intent_;
  request.receipt = receipt;
  request.ids = BizonIdMaker(run, "s");
  request.log = &log_;
  request.rejects = &rejects_;
  return request;
}

Status DestinationHarness::Write(Destination* destination, const RecordPage& page,
                                 uint64_t iteration) {
  RecordBatch batch;
  batch.iteration = iteration;
  for (const std::string& text : page) {
    Record record;
    record.data = batch.Store(text);
    record.key = batch.Store(KeyOf(text));
    record.has_key = true;
    constexpr std::string_view kCursor = R"("at":)";
    if (const size_t at = text.find(kCursor); at != std::string::npos) {
      record.cursor = batch.Store(KeyOf(text.substr(at)));
    }
    record.position = static_cast<uint32_t>(batch.records().size());
    batch.records().push_back(record);
  }
  return destination->WriteRecords(batch);
}

Status DestinationHarness::Count() {
  if (calls_left_ == 0) return {};
  --calls_left_;
  if (calls_left_ > 0) return {};
  return Fail(ErrorKind::kPermanent, "died", "the test asked for it");
}

Status DestinationHarness::Run(const std::string& run, const Pages& pages) {
  BIZOND_ASSIGN_OR_RETURN(const std::unique_ptr<Destination> destination, Make());
  BIZOND_RETURN_IF_ERROR(Drive(destination.get(), run, pages));
  ForgetRun();
  return {};
}

Status DestinationHarness::Drive(Destination* destination, const std::string& run,
                                 const Pages& pages) {
  // Without marks a run begins anew.
  if (!row_.exactly_once) ForgetProgress();
  BIZOND_RETURN_IF_ERROR(destination->Open(Request(run), {}));
  BIZOND_RETURN_IF_ERROR(Count());
  if (mode_ == PublishMode::kDirect && !mark_) {
    // What a stream writes is at the target at once: where it began must be known before.
    BIZOND_ASSIGN_OR_RETURN(mark_, destination->Flush());
    BIZOND_RETURN_IF_ERROR(Count());
    BIZOND_RETURN_IF_ERROR(destination->MarkStored());
  }
  while (!intent_ && next_page_ < pages.size()) {
    BIZOND_RETURN_IF_ERROR(Write(destination, pages[next_page_], next_page_));
    BIZOND_RETURN_IF_ERROR(Count());
    BIZOND_ASSIGN_OR_RETURN(std::string mark, destination->Flush());
    BIZOND_RETURN_IF_ERROR(Count());  // Durable, and unknown to the store.
    mark_ = std::move(mark);
    next_page_ += 1;
    BIZOND_RETURN_IF_ERROR(Count());
    BIZOND_RETURN_IF_ERROR(destination->MarkStored());
    if (destination->FollowsMarks()) BIZOND_RETURN_IF_ERROR(Count());
  }
  if (!intent_) BIZOND_RETURN_IF_ERROR(SettleAll(destination));
  if (!intent_) {
    BIZOND_ASSIGN_OR_RETURN(std::string intent, destination->Prepare());
    BIZOND_RETURN_IF_ERROR(Count());
    intent_ = std::move(intent);
    BIZOND_RETURN_IF_ERROR(Count());
  }
  BIZOND_ASSIGN_OR_RETURN(std::string published, destination->Finalize(*intent_));
  BIZOND_RETURN_IF_ERROR(Count());  // Published, and not recorded.
  BIZOND_ASSIGN_OR_RETURN(const std::string again, destination->Finalize(*intent_));
  if (again != published) {
    return Fail(ErrorKind::kPermanent, "receipts_differ", published + " and " + again);
  }
  BIZOND_RETURN_IF_ERROR(Count());
  BIZOND_RETURN_IF_ERROR(destination->Cleanup());
  BIZOND_RETURN_IF_ERROR(Count());  // In a run that dies between: cleaned up twice.
  receipt = std::move(published);
  return destination->Cleanup();
}

Status DestinationHarness::SettleAll(Destination* destination) {
  while (destination->FollowsMarks()) {
    BIZOND_ASSIGN_OR_RETURN(const bool more, destination->Settle());
    if (!more) break;
    BIZOND_RETURN_IF_ERROR(Count());
    BIZOND_ASSIGN_OR_RETURN(std::string mark, destination->Flush());
    BIZOND_RETURN_IF_ERROR(Count());
    mark_ = std::move(mark);
    BIZOND_RETURN_IF_ERROR(Count());
    BIZOND_RETURN_IF_ERROR(destination->MarkStored());
    BIZOND_RETURN_IF_ERROR(Count());
  }
  return {};
}

void DestinationHarness::ForgetProgress() {
  mark_.reset();
  intent_.reset();
  next_page_ = 0;
}

void DestinationHarness::ForgetRun() {
  ForgetProgress();
  calls_left_ = 0;
}

std::vector<std::string> DestinationHarness::Published() const {
  std::vector<std::string> found;
  for (const StoredRow& row : fixture_.read({folder_, id_, &log_.lines})) {
    found.push_back(bizond::Hashed(row));
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<std::string> DestinationHarness::Leftovers() const {
  std::vector<std::string> found;
  if (fixture_.leftovers) found = fixture_.leftovers({folder_, id_, &log_.lines});
  for (const auto& entry : fs::recursive_directory_iterator(folder_)) {
    const std::string name = entry.path().filename();
    const bool staging =
        name.find("_temp") != std::string::npos || name.find("_incremental") != std::string::npos;
    if (staging) found.push_back(name);
  }
  return found;
}

std::vector<std::string> DestinationHarness::Hashed(const std::vector<RecordPage>& pages) {
  std::vector<std::string> expected;
  for (const RecordPage& page : pages) {
    for (const std::string& text : page) expected.push_back(bizond::Hashed({KeyOf(text), text}));
  }
  std::sort(expected.begin(), expected.end());
  return expected;
}

const RecordPage& HardRecords() {
  static const RecordPage records = {
      R"({"id":1,"at":1,"v":18446744073709551616})",
      R"({"id":2,"at":2,"v":12345678901234567890123456789012345678})",
      R"({"id":3,"at":3,"v":"\ud800 lone \u0000 \" \\ \/ \b\f\n\r\t"})",
      "{\"id\":4,\t\"at\":4,\"v\":\"quote \\\" and \xc3\xa9 and \xf0\x9f\x98\x80 \xe2\x80\xa8\"}",
      R"({"id":5,"at":5,"v":{"a":[1,2.50,-0,1e400,{"b":{"c":null}}],"":""}})",
      R"({"id":6,"at":6,"v":"'); DROP TABLE target; --"})",
      R"({"id":7,"at":7,"v":"%s {} \u2028 <script>"})",
      R"({"id":8,"at":8,"v":")" + std::string(1 << 20, 'x') + R"("})",
      R"({"id":9,"at":9,"v":")" + Repeated(R"(\")", 40'000) + R"("})",
  };
  return records;
}

RecordPage PlainRecords(int first, int count) {
  RecordPage page;
  for (int i = first; i < first + count; ++i) {
    page.push_back(fmt::format(R"({{"id":{},"at":{},"v":"row {}"}})", i, i, i));
  }
  return page;
}

}  // namespace bizond
