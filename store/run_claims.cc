// Which queued runs may begin, and in which order.
//
// A claim looks only at runs that wait for a worker (RunWait::kWorker). One that another run bars
// is marked with what it waits for, and is looked at no more until that run ends, which lets one
// waiting run go for each thing that it held (LetNextGo); a claim that leaves room lets the next
// one go. So a claim costs what it takes and what it marks, and each run is marked about once,
// however many wait.
//
// Runs of one pool and key are a group: they can stand in for each other, so that of a group only
// the first is ever let go.
#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "store/run_columns.h"
#include "store/run_table.h"

namespace bizond::runs {
namespace {

constexpr int kDuePerClaim = 1000;
constexpr int kLooksPerClaim = 500;
constexpr int kReadAtOnce = 64;
constexpr size_t kSkipsPerClaim = 64;

void LetGo(Change& change, std::string_view id) {
  change.db.Run("UPDATE runs SET waits = 0 WHERE id = ?", id);
}

// The first run of a group, with its place in the order.
struct FirstOfGroup {
  std::tuple<int64_t, int64_t, std::string> place;  // -priority, queued_at, id
  const std::string& id() const { return std::get<2>(place); }
};

std::optional<FirstOfGroup> FindFirst(Connection& db, std::string_view pool, std::string_view key) {
  Query query = db.Prepare(
      "SELECT priority, queued_at, id FROM runs WHERE phase = 0 AND waits > 2 AND pool = ? AND "
      "key = ? ORDER BY priority DESC, queued_at, id LIMIT 1",
      pool, key);
  if (!query.Step()) return std::nullopt;
  return FirstOfGroup{{-query.Int(0), query.Int(1), query.Text(2)}};
}

void LetGroupGo(Change& change, std::string_view pool, std::string_view key) {
  if (const auto first = FindFirst(change.db, pool, key)) LetGo(change, first->id());
}

// The group after this one, in the order of pools and keys; begin with nullopt.
using Group = std::pair<std::string, std::string>;
std::optional<Group> NextGroup(Connection& db, const std::optional<Group>& after) {
  Query query =
      after ? db.Prepare(
                  "SELECT pool, key FROM runs WHERE phase = 0 AND waits > 2 AND (pool, key) "
                  "> (?, ?) ORDER BY pool, key LIMIT 1",
                  after->first, after->second)
            : db.Prepare(
                  "SELECT pool, key FROM runs WHERE phase = 0 AND waits > 2 ORDER BY pool, "
                  "key LIMIT 1");
  if (!query.Step()) return std::nullopt;
  return Group{query.Text(0), query.Text(1)};
}

// The first of all runs that wait in a pool, among those whose key may.
void LetPoolGo(Change& change, std::string_view pool,
               const std::function<bool(const std::string&)>& key_may) {
  std::optional<FirstOfGroup> best;
  const auto consider = [&](const std::string& key) {
    if (!key_may(key)) return;
    std::optional<FirstOfGroup> first = FindFirst(change.db, pool, key);
    if (first && (!best || first->place < best->place)) best = std::move(first);
  };
  consider("");
  std::optional<Group> group = NextGroup(change.db, Group{pool, ""});
  for (; group && group->first == pool; group = NextGroup(change.db, group)) {
    consider(group->second);
  }
  if (best) LetGo(change, best->id());
}

// The first of each pool that has runs of the key.
void LetKeyGo(Change& change, std::string_view key) {
  std::string pool;
  while (true) {
    Query next = change.db.Prepare(
        "SELECT pool FROM runs WHERE phase = 0 AND waits > 2 AND key <> '' AND key = ? AND "
        "pool > ? ORDER BY pool LIMIT 1",
        key, pool);
    if (!next.Step()) return;
    pool = next.Text(0);
    LetGroupGo(change, pool, key);
  }
}

void LetJobGo(Change& change, std::string_view job) {
  Query first = change.db.Prepare(
      "SELECT id FROM runs WHERE phase < 2 AND job = ? AND waits = 2 "
      "ORDER BY priority DESC, queued_at, id LIMIT 1",
      job);
  if (first.Step()) LetGo(change, first.Text(0));
}

// Of the same job: an attempt that is running, or for a run that has not begun one that waits for
// its next attempt. Parallel runs bar only others. One that is held back has its staging there.
bool IsBarredByJob(Connection& db, const RunRow& run) {
  return db.MaybeInt(
               "SELECT 1 FROM runs INDEXED BY runs_begun WHERE phase < 2 AND attempt > 0 AND "
               "job = ?1 AND id <> ?2 AND (?3 = 0 OR parallel = 0) AND (?4 = 0 OR phase = 1) "
               "LIMIT 1",
               run.job, run.id, run.parallel, run.attempt)
             .has_value() ||
         Held(db, run.job);
}

// One batch of claims.
class Claims {
 public:
  Claims(Change& change, const ClaimBounds& bounds, std::string_view node, UtcTime now)
      : change_(change), bounds_(bounds), node_(node), now_(now) {
    for (const ClaimBounds::Holder& holder : bounds.holders) {
      jobs_.insert(holder.job);
      ++keys_[holder.key];
      ++pools_[holder.pool];
    }
  }

  Result<ClaimedRuns> Take() {
    ClaimedRuns result;
    result.more = WakeDue();
    int looks = 0;
    while (std::ssize(result.runs) < bounds_.runs && skipped_.size() < kSkipsPerClaim) {
      std::optional<RunRow> run = FirstReady();
      if (!run) return result;
      if (looks++ == kLooksPerClaim) {
        result.more = true;
        return result;
      }
      if (IsPassedOver(*run)) continue;
      Begin(change_, *run, NextFence(), node_, now_);
      jobs_.insert(run->job);
      ++keys_[run->key];
      ++pools_[run->pool];
      LetOthersGo(*run);
      if (run->parallel) {
        LetJobGo(change_, run->job);
        ReadAgain();
      }
      result.runs.push_back(std::move(*run));
    }
    result.more = true;
    return result;
  }

 private:
  // Whether there are more.
  bool WakeDue() {
    const int woken = change_.db.Run(
        "UPDATE runs SET waits = 0 WHERE id IN (SELECT id FROM runs WHERE phase = 0 AND waits = 1 "
        "AND not_before <= ? ORDER BY not_before LIMIT ?)",
        now_, kDuePerClaim);
    return woken == kDuePerClaim;
  }

  // Several are read at once, until others are let go.
  std::optional<RunRow> FirstReady() {
    if (ready_.empty()) {
      Query query = change_.db.Prepare(
          "SELECT " BIZOND_RUN_COLUMNS
          "FROM runs WHERE phase = 0 AND waits = 0 ORDER BY priority DESC, queued_at, id");
      while (std::ssize(ready_) < std::min(bounds_.runs, read_at_once_) && query.Step()) {
        if (!skipped_.contains(query.Text(0))) ready_.push_back(RunFromRow(query));
      }
    }
    if (ready_.empty()) return std::nullopt;
    RunRow first = std::move(ready_.front());
    ready_.pop_front();
    return first;
  }

  // Others were let go, and may come before those that were read: from now on one by one.
  void ReadAgain() {
    ready_.clear();
    read_at_once_ = 1;
  }

  // As many are taken as were read with this run: none may be left over for most.
  int64_t NextFence() {
    if (fences_left_ == 0) {
      fences_left_ = 1 + std::ssize(ready_);
      fence_ = NewFences(change_, fences_left_);
    }
    --fences_left_;
    return fence_++;
  }

  bool IsPassedOver(const RunRow& run) {
    if (IsBarredByJob(change_.db, run)) {
      Mark(run, RunWait::kJob);
      LetOthersGo(run);
      return true;
    }
    // Of a run that has ended and is not let go of: nothing in the store will tell of that.
    if (!run.parallel && jobs_.contains(run.job)) return Skip(run);
    if (!KeyHasRoom(run.key)) {
      if (KeyHasRoom(run.key, Leaving(&ClaimBounds::Holder::key, run.key))) return Skip(run);
      Mark(run, RunWait::kKey);
      LetOthersGo(run);
      return true;
    }
    if (PoolHasRoom(run.pool)) return false;
    if (PoolHasRoom(run.pool, Leaving(&ClaimBounds::Holder::pool, run.pool))) return Skip(run);
    Mark(run, RunWait::kPool);
    return true;
  }

  void Mark(const RunRow& run, RunWait wait) {
    change_.db.Run("UPDATE runs SET waits = ? WHERE id = ?", static_cast<int>(wait), run.id);
  }
  bool Skip(const RunRow& run) {
    skipped_.insert(run.id);
    return true;
  }
  // The room that this run leaves, or did not take, is for the next of its pool or of its group.
  void LetOthersGo(const RunRow& run) {
    if (run.pool == kDefaultPool && run.key.empty()) return;
    ReadAgain();
    if (run.pool != kDefaultPool) {
      if (!PoolHasRoom(run.pool)) return;
      LetPoolGo(change_, run.pool, [this](const std::string& key) { return KeyHasRoom(key); });
    } else if (KeyHasRoom(run.key)) {
      LetGroupGo(change_, run.pool, run.key);
    }
  }

  bool KeyHasRoom(const std::string& key, int64_t leaving = 0) {
    if (key.empty()) return true;
    const auto [limit, fresh] = key_limits_.try_emplace(key, 1);
    if (fresh) {
      limit->second = change_.db
                          .MaybeInt(
                              "SELECT min(key_limit) FROM runs WHERE phase < 2 AND key <> '' "
                              "AND key = ?",
                              key)
                          .value_or(1);
    }
    return keys_[key] - leaving < limit->second;
  }
  // The default pool is bounded by the workers themselves.
  bool PoolHasRoom(const std::string& pool, int64_t leaving = 0) {
    return pool == kDefaultPool || pools_[pool] - leaving < bounds_.SizeOf(pool);
  }
  // How many of the holders have ended in the store.
  int64_t Leaving(std::string ClaimBounds::Holder::* what, const std::string& name) {
    int64_t count = 0;
    for (const ClaimBounds::Holder& holder : bounds_.holders) {
      if (holder.*what != name) continue;
      if (change_.db.MaybeInt("SELECT phase FROM runs WHERE id = ?", holder.run) != 1) ++count;
    }
    return count;
  }

  Change& change_;
  const ClaimBounds& bounds_;
  const std::string_view node_;
  const UtcTime now_;
  // What is held, by those of before and by what this batch has claimed.
  std::set<std::string> jobs_;
  std::map<std::string, int64_t> keys_;
  std::map<std::string, int64_t> pools_;
  std::map<std::string, int64_t> key_limits_;
  std::set<std::string> skipped_;
  std::deque<RunRow> ready_;
  int read_at_once_ = kReadAtOnce;
  int64_t fence_ = 0;  // The next one.
  int64_t fences_left_ = 0;
};

}  // namespace

RunWait WaitOfNew(Connection& db, const RunRow& run) {
  if (run.not_before > run.queued_at) return RunWait::kTime;
  if (run.parallel) return RunWait::kWorker;
  const auto behind_held = [&] { return Held(db, run.job) ? RunWait::kJob : RunWait::kWorker; };
  Query next = db.Prepare(
      "SELECT waits, attempt, priority FROM runs WHERE phase < 2 AND job = ? "
      "ORDER BY waits, priority DESC, queued_at, id LIMIT 1",
      run.job);
  if (!next.Step()) return behind_held();
  // Behind one that is sure to let the next one go at its end; a claim finds the others out.
  const bool waits_for_time = next.Int(0) == static_cast<int64_t>(RunWait::kTime);
  const bool comes_first = next.Int(1) > 0 || (!waits_for_time && next.Int(2) >= run.priority);
  return comes_first ? RunWait::kJob : behind_held();
}

void LetNextGo(Change& change, const RunRow& run, bool job) {
  if (job) LetJobGo(change, run.job);
  if (!run.key.empty()) LetKeyGo(change, run.key);
  if (run.pool != kDefaultPool) {
    LetPoolGo(change, run.pool, [](const std::string&) { return true; });
  }
}

void LetAllGroupsGo(Change& change) {
  std::optional<Group> group;
  while ((group = NextGroup(change.db, group))) LetGroupGo(change, group->first, group->second);
}

Result<ClaimedRuns> ClaimReady(Change& change, const ClaimBounds& bounds, std::string_view node,
                               UtcTime now) {
  return Claims(change, bounds, node, now).Take();
}

std::vector<std::string> HoldersFor(Connection& db, const RunRow& run, int limit) {
  std::vector<std::string> ids;
  const auto add = [&](Query query) {
    while (query.Step()) ids.push_back(query.Text(0));
  };
  switch (run.waits) {
    case RunWait::kWorker:
    case RunWait::kTime:
      break;
    case RunWait::kJob:
      add(
          db.Prepare("SELECT id FROM runs INDEXED BY runs_begun WHERE phase < 2 AND attempt > 0 "
                     "AND job = ? AND id <> ? ORDER BY id LIMIT ?",
                     run.job, run.id, limit));
      if (const auto held = Held(db, run.job)) ids.push_back(*held);
      if (!ids.empty()) break;
      add(db.Prepare(
          "SELECT id FROM runs WHERE phase < 2 AND job = ? AND id <> ? AND waits NOT IN (1, 2) "
          "ORDER BY queued_at, id LIMIT 1",
          run.job, run.id));
      break;
    case RunWait::kKey:
      add(
          db.Prepare("SELECT id FROM runs WHERE phase = 1 AND key <> '' AND key = ? "
                     "ORDER BY id LIMIT ?",
                     run.key, limit));
      break;
    case RunWait::kPool:
      add(
          db.Prepare("SELECT id FROM runs WHERE phase = 1 AND pool <> 'default' AND pool = ? "
                     "ORDER BY id LIMIT ?",
                     run.pool, limit));
      break;
  }
  return ids;
}

}  // namespace bizond::runs
