#include "scheduler/retry_policy.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>

namespace bizond {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

Error Transient() { return Error{ErrorKind::kTransient, "busy", "busy", ""}; }

TEST(RetryPolicyTest, OnlyATransientErrorIsRetried) {
  const RetryPolicy policy;
  EXPECT_TRUE(policy.DelayBefore(2, Transient(), 1).has_value());
  for (const ErrorKind kind : {ErrorKind::kPermanent, ErrorKind::kConfig, ErrorKind::kStopped}) {
    Error error = Transient();
    error.kind = kind;
    error.retry_after = seconds(1);
    EXPECT_EQ(policy.DelayBefore(2, error, 1), std::nullopt);
  }
}

TEST(RetryPolicyTest, AttemptsEnd) {
  const RetryPolicy policy{.max_attempts = 3};
  EXPECT_TRUE(policy.DelayBefore(3, Transient(), 1).has_value());
  EXPECT_EQ(policy.DelayBefore(4, Transient(), 1), std::nullopt);
  EXPECT_EQ(RetryPolicy{.max_attempts = 1}.DelayBefore(2, Transient(), 1), std::nullopt);
}

TEST(RetryPolicyTest, DoublesUpToTheCapAndDrawsTheLastHalf) {
  const RetryPolicy policy{
      .max_attempts = 1000, .initial_backoff = seconds(1), .max_backoff = minutes(5)};
  Duration full = seconds(1);
  for (int attempt = 2; attempt <= 1000; ++attempt) {
    const Duration cap = std::min<Duration>(full, minutes(5));
    std::set<Duration> drawn;
    for (uint64_t seed = 0; seed < 20; ++seed) {
      const Duration delay = policy.DelayBefore(attempt, Transient(), seed).value();
      EXPECT_LE(delay, cap);
      EXPECT_GE(delay, cap / 2);
      EXPECT_EQ(delay, policy.DelayBefore(attempt, Transient(), seed));
      drawn.insert(delay);
    }
    EXPECT_GT(drawn.size(), 15U);
    if (full < minutes(10)) full *= 2;
  }
}

TEST(RetryPolicyTest, WaitsAsLongAsThePeerAsks) {
  const RetryPolicy policy;
  Error error = Transient();
  error.retry_after = minutes(20);
  EXPECT_EQ(policy.DelayBefore(2, error, 1), minutes(20));
  error.retry_after = milliseconds(1);
  EXPECT_GE(policy.DelayBefore(2, error, 1).value(), milliseconds(500));
}

TEST(RetryPolicyTest, OddPoliciesDoNotOverflow) {
  for (const Duration extreme : {Duration(0), Duration(-5), Duration(1), Duration::max()}) {
    for (const Duration cap : {Duration(0), Duration(-5), Duration(1), Duration::max()}) {
      const RetryPolicy policy{std::numeric_limits<int>::max(), extreme, cap};
      for (const int attempt : {1, 2, 3, 1000, 1'000'000}) {
        EXPECT_GE(policy.DelayBefore(attempt, Transient(), 7).value(), Duration(0));
      }
    }
  }
}

}  // namespace
}  // namespace bizond
