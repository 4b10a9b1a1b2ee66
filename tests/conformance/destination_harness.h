// DestinationHarness: a destination in a folder of its own, and a pump that dies on demand.
//
// Run() calls a destination in the pump's order and remembers what the pump would have stored.
// With DieAfter(n) it drops the destination after its n-th call, as a crash would; another Run of
// the same run then goes on from what was stored.
//
// Threads: one thread.
#ifndef BIZOND_TESTS_CONFORMANCE_DESTINATION_HARNESS_H_
#define BIZOND_TESTS_CONFORMANCE_DESTINATION_HARNESS_H_

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sync/connector.h"
#include "sync/run_log.h"
#include "tests/conformance/destination_fixtures.h"

namespace bizond {

// Keeps the lines and what is warned of.
class ListLog final : public RunLog {
 public:
  void Write(LogLevel level, std::string_view message,
             std::initializer_list<LogField> fields) override;
  void Warn(const RunWarning& warning) override;
  std::vector<std::string> lines;
  std::vector<std::string> warnings;  // Their codes.
};

// Keeps what a destination refuses, as `on_error: reject` would.
class ListRejects final : public RejectSink {
 public:
  Status Reject(uint64_t iteration, RejectedRecord reject) override;
  std::vector<RejectedRecord> rejects;
};

using RecordPage = std::vector<std::string>;
using Pages = std::vector<RecordPage>;

class DestinationHarness {
 public:
  // A row of the catalogue by its name, with its fixture.
  DestinationHarness(std::string_view name, PublishMode mode);
  DestinationHarness(const DestinationDescriptor& row, DestinationFixture fixture,
                     PublishMode mode);
  ~DestinationHarness();
  DestinationHarness(const DestinationHarness&) = delete;
  DestinationHarness& operator=(const DestinationHarness&) = delete;

  const std::filesystem::path& folder() const { return folder_; }
  PublishMode mode() const { return mode_; }
  const DestinationDescriptor& row() const { return row_; }
  const DestinationFixture& fixture() const { return fixture_; }
  JobSpec& job() { return job_; }
  void set_mode(PublishMode mode) { mode_ = mode; }
  void set_fence(int64_t fence) { fence_ = fence; }
  void set_clock(Clock* clock) { clock_ = clock; }
  // The target's place and name from now on; "" and "target" at first.
  void PlaceIn(const std::string& directory, const std::string& id = "target");
  const std::string& config() const { return placement_.config; }
  void set_config(const std::string& config) { placement_.config = config; }
  // The first page that no stored mark covers.
  size_t next_page() const { return next_page_; }
  void Remove();      // The folder and all in it.
  void DropTarget();  // As somebody else would.

  Result<std::unique_ptr<Destination>> Make();
  // As the pump would fill it for this run, with what is stored.
  OpenRequest Request(const std::string& run);
  Status Write(Destination* destination, const RecordPage& page, uint64_t iteration = 0);

  // A run from what is stored to its end. An error of code "died" is a death by DieAfter.
  Status Run(const std::string& run, const Pages& pages);
  // The destination is dropped after that many calls; 0: never.
  void DieAfter(int calls) { calls_left_ = calls; }
  // What the pump would have stored of the current run is forgotten.
  void ForgetRun();
  std::optional<std::string> receipt;

  // What the fixture's reader finds: "key hash-of-the-record", sorted.
  std::vector<std::string> Published() const;
  std::vector<std::string> Leftovers() const;
  const std::vector<std::string>& log_lines() const { return log_.lines; }
  const std::vector<std::string>& warnings() const { return log_.warnings; }
  const std::vector<RejectedRecord>& rejects() const { return rejects_.rejects; }
  // The same form, of records that are expected.
  static std::vector<std::string> Hashed(const std::vector<RecordPage>& pages);

 private:
  Status Drive(Destination* destination, const std::string& run, const Pages& pages);
  Status SettleAll(Destination* destination);
  void ForgetProgress();
  Status Count();

  const DestinationDescriptor row_;
  const DestinationFixture fixture_;
  PublishMode mode_;
  std::filesystem::path folder_;
  RealClock real_clock_;
  Clock* clock_ = &real_clock_;
  ListLog log_;
  ListRejects rejects_;
  JobSpec job_;
  std::string id_ = "target";
  Placement placement_;
  int64_t fence_ = 1;
  int calls_left_ = 0;
  std::optional<std::string> mark_;
  std::optional<std::string> intent_;
  size_t next_page_ = 0;
};

// Records that are hard to carry, the id first and the cursor second.
const RecordPage& HardRecords();
// `count` ordinary records, ids and cursors from `first`.
RecordPage PlainRecords(int first, int count);

}  // namespace bizond

#endif  // BIZOND_TESTS_CONFORMANCE_DESTINATION_HARNESS_H_
