// The source that keeps a token until shortly before its end.
#include "base/google/token_source.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "base/log.h"

namespace bizond {
namespace {

constexpr int kTriesMost = 3;
constexpr Duration kFirstBackoff = std::chrono::seconds(1);
// Tokens live an hour; requests that began with one should not see its end.
constexpr Duration kRefreshBefore = std::chrono::minutes(4);
// Within the refresh margin the old token serves while a new one cannot be had.
constexpr Duration kLastMoment = std::chrono::seconds(30);
constexpr Duration kNextTry = std::chrono::seconds(10);
constexpr size_t kTokensRemembered = 64;

// The newest tokens stay redacted when their source is gone: a line about a run may come late.
void Remember(const std::shared_ptr<TemporarySecret>& secret) {
  static std::mutex mutex;
  static auto* const newest = new std::deque<std::shared_ptr<TemporarySecret>>;
  std::lock_guard lock(mutex);
  newest->push_back(secret);
  if (newest->size() > kTokensRemembered) newest->pop_front();
}

// An instant of both clocks: the steady one stands still while a machine is suspended, the other
// can be set back.
struct Deadline {
  Duration steady{};
  UtcTime wall{};

  bool Passed(const Clock& clock) const { return clock.Steady() >= steady || clock.Now() >= wall; }
};

class CachingSource final : public GoogleTokenSource {
 public:
  CachingSource(std::unique_ptr<TokenGrant> grant, Clock* clock)
      : grant_(std::move(grant)), clock_(clock) {}

  Result<std::string> AccessToken(std::stop_token stop) override {
    std::unique_lock lock(mutex_);
    while (true) {
      if (stop.stop_requested()) return Failure(StoppedError("asking Google for a token"));
      if (token_ && !refresh_.Passed(*clock_)) return token_->value;
      if (!asking_) return Ask(lock, stop);
      if (Usable()) return token_->value;
      const uint64_t seen = answers_;
      ended_.wait(lock, stop, [&] { return answers_ != seen; });
      if (stop.stop_requested()) continue;
      // Its asker was stopped: one of those who wait goes on.
      if (last_error_ && last_error_->kind == ErrorKind::kStopped) continue;
      if (last_error_) return Failure(*last_error_);
    }
  }

  void Invalidate(std::string_view token) override {
    std::lock_guard lock(mutex_);
    if (token_ && token_->value == token) token_.reset();
  }

  std::string QuotaProject() const override { return grant_->QuotaProject(); }

 private:
  struct Held {
    std::string value;
    std::shared_ptr<TemporarySecret> secret;
  };

  bool Usable() const { return token_ && !last_moment_.Passed(*clock_); }

  Deadline In(Duration duration) const {
    return {clock_->Steady() + duration, clock_->Now() + duration};
  }

  Result<std::string> Ask(std::unique_lock<std::mutex>& lock, std::stop_token stop) {
    asking_ = true;
    lock.unlock();
    Result<GrantedToken> granted = Failure(StoppedError("asking Google for a token"));
    try {
      granted = TryThrice(stop);
    } catch (...) {
      lock.lock();
      End(StoppedError("asking Google for a token"));
      throw;
    }
    lock.lock();
    if (granted) {
      const Duration lifetime = granted->lifetime;
      refresh_ = In(std::max(lifetime - kRefreshBefore, lifetime / 2));
      last_moment_ = In(std::max(lifetime - kLastMoment, lifetime / 2));
      auto secret = std::make_shared<TemporarySecret>(granted->token);
      Remember(secret);
      token_ = Held{std::move(granted->token), std::move(secret)};
      End(std::nullopt);
      return token_->value;
    }
    End(granted.error());
    if (granted.error().kind == ErrorKind::kTransient && Usable()) {
      refresh_ = In(kNextTry);
      return token_->value;
    }
    return Failure(std::move(granted).error());
  }

  Result<GrantedToken> TryThrice(std::stop_token stop) {
    Duration backoff = kFirstBackoff;
    for (int attempt = 1;; ++attempt) {
      Result<GrantedToken> granted = grant_->Request(clock_, stop);
      if (granted || granted.error().kind != ErrorKind::kTransient || attempt == kTriesMost ||
          granted.error().retry_after) {
        return granted;
      }
      if (!clock_->SleepFor(backoff, stop)) {
        return Failure(StoppedError("asking Google for a token"));
      }
      backoff *= 2;
    }
  }

  // Under the lock.
  void End(std::optional<Error> error) {
    asking_ = false;
    ++answers_;
    last_error_ = std::move(error);
    ended_.notify_all();
  }

  const std::unique_ptr<TokenGrant> grant_;
  Clock* const clock_;
  std::mutex mutex_;  // Guards what follows.
  std::condition_variable_any ended_;
  std::optional<Held> token_;
  Deadline refresh_;
  Deadline last_moment_;
  bool asking_ = false;
  uint64_t answers_ = 0;
  std::optional<Error> last_error_;
};

}  // namespace

std::shared_ptr<GoogleTokenSource> NewTokenSource(std::unique_ptr<TokenGrant> grant, Clock* clock) {
  return std::make_shared<CachingSource>(std::move(grant), clock);
}

}  // namespace bizond
