// StoreRunState: the pump's RunState over a Store, for one attempt of one run.
//
// Threads: as RunState says.
#ifndef BIZOND_STORE_STORE_RUN_STATE_H_
#define BIZOND_STORE_STORE_RUN_STATE_H_

#include <functional>
#include <string_view>

#include "base/clock.h"
#include "store/store.h"
#include "sync/run_state.h"

namespace bizond {

class StoreRunState final : public RunState {
 public:
  // `committed`: these counters are durable.
  using OnProgress = std::function<void(Stage stage, const Counters& counters, bool committed)>;

  // `run` is as it was claimed: its id, job and fence are used.
  StoreRunState(Store* store, Clock* clock, const RunRow& run, OnProgress on_progress);

  Result<StreamMemory> Load(std::string_view stream) override;
  Status SaveCheckpoint(std::string_view stream, const Checkpoint& checkpoint) override;
  Result<int64_t> PutChunk(std::string_view stream, std::string_view chunk) override;
  Result<std::string> GetChunk(std::string_view stream, int64_t id) override;
  Status DropCheckpoint(std::string_view stream) override;
  Status RecordStream(std::string_view stream, const StreamRecord& record, bool last) override;
  void ReportProgress(std::string_view stream, Stage stage, const Counters& counters) override;

 private:
  void Report(Stage stage, const Counters& counters, bool committed) const;

  Store* const store_;
  Clock* const clock_;
  const std::string run_id_;
  const std::string job_;
  const int64_t fence_;
  const OnProgress on_progress_;
};

}  // namespace bizond

#endif  // BIZOND_STORE_STORE_RUN_STATE_H_
