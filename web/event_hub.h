// EventHub: the stream of what happens, for those who watch (Server-Sent Events, WHATWG HTML 9.2).
//
// Events `job` and `run` are rows of the store's log and carry its ids, from which a client goes on
// after a break; `progress` says where a running run is, has no id and is never repeated. A watcher
// that says nothing hears a comment every 15 seconds, which is also how a client that went away is
// noticed. Nobody watching costs nothing.
//
// Threads: every method may be called from any thread; a stream belongs to the thread that serves
// it.
#ifndef BIZOND_WEB_EVENT_HUB_H_
#define BIZOND_WEB_EVENT_HUB_H_

#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "scheduler/run_control.h"
#include "store/store.h"
#include "web/http_types.h"

namespace bizond {

class EventHub {
 public:
  static constexpr size_t kWatchersMax = 100;

  EventHub(Store* store, const RunControl* control, Clock* clock);

  // A stream that goes on after the event `last_event_id`; nullptr: with what happens from now on.
  // Codes: too_many_watchers (transient), invalid_event_id (config).
  Result<std::shared_ptr<WebStream>> Open(const std::string* last_event_id);

  // Something was appended to the log.
  void Wake();
  void Progress(const LiveRun& live);
  // Every stream ends, and no new one begins.
  void Close();

 private:
  class Watcher;

  void Forget(const Watcher* watcher);

  Store* const store_;
  const RunControl* const control_;
  Clock* const clock_;
  std::stop_source closing_;
  std::mutex mutex_;
  std::vector<Watcher*> watchers_;  // Guarded by mutex_.
};

}  // namespace bizond

#endif  // BIZOND_WEB_EVENT_HUB_H_
