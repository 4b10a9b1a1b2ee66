// Composition: how the rooms are put together, once for the daemon and once for `bizond run`.
//
// Threads: main only.
#ifndef BIZOND_APP_COMPOSITION_H_
#define BIZOND_APP_COMPOSITION_H_

#include <atomic>
#include <filesystem>
#include <stop_token>
#include <string>
#include <thread>

#include "cli/local_verbs.h"
#include "sync/connector.h"

namespace bizond {

// Every verb that needs no daemon.
const LocalVerbs& BuiltInVerbs();

// The catalogues of this binary.
const Catalog& BuiltInCatalog();

// --state-dir, $BIZOND_STATE_DIR, $STATE_DIRECTORY, $XDG_STATE_HOME/bizond, ~/.local/state/bizond:
// the first that is set. Code no_state_dir when there is none.
Result<std::filesystem::path> StateDir(const std::string& option);

// Raised once by SIGINT or SIGTERM; a second one ends the process at once. Made before any thread.
class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  std::stop_token token() const { return stop_.get_token(); }
  // Blocks until a signal comes.
  void Wait();
  // The signal's number; 0: none came.
  int received() const { return received_; }

 private:
  std::stop_source stop_;
  std::atomic<int> received_{0};
  int pipe_[2] = {-1, -1};
  std::thread thread_;
};

int Serve(const ServeOptions& options, Console& console);
int RunJobFile(const RunOptions& options, Console& console);
int CheckJobFile(const JobFileOptions& options, Console& console);
int PlanJobFile(const JobFileOptions& options, Console& console);
int CheckSecrets(const JobFileOptions& options, Console& console);
int ResetStream(const StreamResetOptions& options, Console& console);

}  // namespace bizond

#endif  // BIZOND_APP_COMPOSITION_H_
