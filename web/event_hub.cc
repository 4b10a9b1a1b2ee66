#include "web/event_hub.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "web/problem.h"
#include "web/run_json.h"

namespace bizond {
namespace {

using nlohmann::json;

constexpr Duration kHeartbeat = std::chrono::seconds(15);
// Four times a second is as much as an eye takes in.
constexpr Duration kProgressEvery = std::chrono::milliseconds(250);
constexpr int kEventsPerRead = 200;

std::string Frame(std::string_view type, const json& data, int64_t id) {
  const std::string number = id > 0 ? fmt::format("id: {}\n", id) : std::string();
  // JSON on one line: no line end within.
  return fmt::format("{}event: {}\ndata: {}\n\n", number, type, Serialize(data));
}

json ProgressJson(const LiveRun& live) {
  json progress = CountersJson(live.counters);
  progress["run_id"] = live.run_id;
  progress["job"] = live.job;
  progress["stream"] = live.stream;
  progress["stage"] = StageName(live.stage);
  progress["at"] = FormatUtc(live.at);
  return progress;
}

}  // namespace

class EventHub::Watcher final : public WebStream {
 public:
  Watcher(EventHub* hub, int64_t after)
      : hub_(hub), waiter_(hub->clock_->NewWaiter()), after_(after) {}
  ~Watcher() override { hub_->Forget(this); }

  bool Next(std::string* out) override {
    if (!greeted_) {
      greeted_ = true;
      *out = "retry: 1000\n: hello\n\n";
      return true;
    }
    const UtcTime heartbeat = hub_->clock_->Now() + kHeartbeat;
    const std::stop_token stop = hub_->closing_.get_token();
    while (!stop.stop_requested()) {
      *out = Events();
      if (out->empty()) *out = ProgressFrames();
      if (!out->empty()) return true;
      const UtcTime now = hub_->clock_->Now();
      if (now >= heartbeat) {
        *out = ": still here\n\n";
        return true;
      }
      waiter_->WaitUntil(HasProgress() ? std::min(heartbeat, now + kProgressEvery) : heartbeat,
                         stop);
    }
    return false;
  }

  void Notify() { waiter_->Notify(); }

  // Under the hub's mutex.
  std::map<std::string, LiveRun> progress;  // The latest of each run.

 private:
  std::string Events() {
    std::string frames;
    const Status read = hub_->store_->Read([&](const StoreReader& reader) -> Status {
      BIZOND_ASSIGN_OR_RETURN(const auto events, reader.EventsAfter(after_, kEventsPerRead));
      for (const EventRow& event : events) {
        after_ = event.id;
        if (event.kind == "run") {
          BIZOND_ASSIGN_OR_RETURN(const std::optional<RunRow> run, reader.GetRun(event.subject));
          if (run) frames += Frame("run", RunJson(*run, hub_->control_), event.id);
          continue;
        }
        json data = json::parse(event.detail, nullptr, false);
        if (!data.is_object()) data = json::object();
        data["name"] = event.subject;
        data["at"] = FormatUtc(event.at);
        frames += Frame(event.kind, data, event.id);
      }
      return {};
    });
    // A store that does not answer is the health endpoint's to tell.
    return read ? frames : std::string();
  }

  bool HasProgress() {
    std::lock_guard lock(hub_->mutex_);
    return !progress.empty();
  }

  std::string ProgressFrames() {
    const Duration now = hub_->clock_->Steady();
    if (progress_sent_ && now - *progress_sent_ < kProgressEvery) return {};
    std::map<std::string, LiveRun> taken;
    {
      std::lock_guard lock(hub_->mutex_);
      taken.swap(progress);
    }
    if (!taken.empty()) progress_sent_ = now;
    std::string frames;
    for (const auto& [id, live] : taken) frames += Frame("progress", ProgressJson(live), 0);
    return frames;
  }

  EventHub* const hub_;
  const std::unique_ptr<Waiter> waiter_;
  int64_t after_;
  bool greeted_ = false;
  std::optional<Duration> progress_sent_;
};

EventHub::EventHub(Store* store, const RunControl* control, Clock* clock)
    : store_(store), control_(control), clock_(clock) {}

Result<std::shared_ptr<WebStream>> EventHub::Open(const std::string* last_event_id) {
  int64_t after = 0;
  if (last_event_id != nullptr && !last_event_id->empty()) {
    const char* const end = last_event_id->data() + last_event_id->size();
    const auto [stop, error] = std::from_chars(last_event_id->data(), end, after);
    if (error != std::errc() || stop != end || after < 0) {
      return Fail(ErrorKind::kConfig, "invalid_event_id", "Last-Event-ID is no event's id",
                  "send the id of the last event that was received, or none");
    }
  } else {
    BIZOND_ASSIGN_OR_RETURN(
        after, store_->Query([](const StoreReader& reader) { return reader.LastEventId(); }));
  }
  auto watcher = std::make_shared<Watcher>(this, after);
  std::lock_guard lock(mutex_);
  if (watchers_.size() >= kWatchersMax || closing_.stop_requested()) {
    return Fail(ErrorKind::kTransient, "too_many_watchers",
                fmt::format("{} clients follow the events already", watchers_.size()),
                "close a page that nobody looks at, or ask for GET /api/v1/runs now and then");
  }
  watchers_.push_back(watcher.get());
  return std::shared_ptr<WebStream>(std::move(watcher));
}

void EventHub::Wake() {
  std::lock_guard lock(mutex_);
  for (Watcher* const watcher : watchers_) watcher->Notify();
}

void EventHub::Progress(const LiveRun& live) {
  std::lock_guard lock(mutex_);
  for (Watcher* const watcher : watchers_) {
    const bool first = watcher->progress.empty();
    watcher->progress.insert_or_assign(live.run_id, live);
    // Later ones are found when the watcher looks again.
    if (first) watcher->Notify();
  }
}

void EventHub::Close() {
  closing_.request_stop();
  Wake();
}

void EventHub::Forget(const Watcher* watcher) {
  std::lock_guard lock(mutex_);
  std::erase(watchers_, watcher);
}

}  // namespace bizond
