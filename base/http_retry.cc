#include "base/http_retry.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <random>

#include "base/text.h"

namespace bizond {
namespace {

// Whoever asks for more is as well served by this.
constexpr Duration kLongestDelay = std::chrono::hours(24 * 365);

// Digits, with a fraction that is dropped; larger than can be held is the largest.
std::optional<int64_t> ParseSeconds(std::string_view text) {
  text = Trim(text);
  text = text.substr(0, text.find('.'));
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) {
    return std::nullopt;
  }
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  return error == std::errc() ? seconds : INT64_MAX;
}

Duration AsDelay(int64_t seconds) {
  constexpr int64_t kMost = std::chrono::duration_cast<std::chrono::seconds>(kLongestDelay).count();
  return std::chrono::seconds(std::clamp<int64_t>(seconds, 0, kMost));
}

// Seconds since 1970 of an HTTP-date in any of its forms.
std::optional<int64_t> ParseHttpDate(const std::string& text) {
  const time_t seconds = curl_getdate(text.c_str(), nullptr);
  return seconds == -1 ? std::nullopt : std::optional<int64_t>(seconds);
}

int64_t ServersNow(const HttpResponse& response, UtcTime now) {
  const std::string* const date = response.Header("date");
  const std::optional<int64_t> said = date != nullptr ? ParseHttpDate(*date) : std::nullopt;
  return said.value_or(ToUnixMicros(now) / 1'000'000);
}

// The parts of a structured field's list: cut at `separator` outside of quotes.
std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  size_t start = 0;
  bool quoted = false;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] == '"') quoted = !quoted;
    if (i < text.size() && (quoted || text[i] != separator)) continue;
    parts.push_back(Trim(text.substr(start, i - start)));
    start = i + 1;
  }
  return parts;
}

struct Quota {
  std::optional<int64_t> remaining;
  std::optional<int64_t> reset_s;
};

void Take(std::string_view parameter, Quota* quota) {
  const size_t equals = parameter.find('=');
  if (equals == std::string_view::npos) return;
  const std::string_view name = Trim(parameter.substr(0, equals));
  const std::optional<int64_t> number = ParseSeconds(parameter.substr(equals + 1));
  if (name == "r" || name == "remaining") quota->remaining = number;
  if (name == "t" || name == "reset") quota->reset_s = number;
}

// RateLimit: "hour";r=0;t=1200, "day";r=50;t=40000; or, in older drafts, limit=100, remaining=0,
// reset=5. The longest reset among the quotas that are used up, or else among all.
std::optional<int64_t> ResetOf(std::string_view rate_limit) {
  std::vector<Quota> quotas;
  Quota flat;
  for (const std::string_view item : Split(rate_limit, ',')) {
    const std::vector<std::string_view> parts = Split(item, ';');
    if (parts.size() == 1) {
      Take(item, &flat);
      continue;
    }
    Quota quota;
    for (const std::string_view part : parts) Take(part, &quota);
    quotas.push_back(quota);
  }
  quotas.push_back(flat);
  const bool used_up = std::any_of(quotas.begin(), quotas.end(),
                                   [](const Quota& quota) { return quota.remaining == 0; });
  std::optional<int64_t> longest;
  for (const Quota& quota : quotas) {
    if (quota.reset_s && (!used_up || quota.remaining == 0)) {
      longest = std::max(longest.value_or(0), *quota.reset_s);
    }
  }
  return longest;
}

std::optional<Duration> RetryAfter(const HttpResponse& response, UtcTime now) {
  const std::string* const text = response.Header("retry-after");
  if (text == nullptr) return std::nullopt;
  if (const std::optional<int64_t> seconds = ParseSeconds(*text)) return AsDelay(*seconds);
  const std::optional<int64_t> date = ParseHttpDate(*text);
  if (!date) return std::nullopt;
  return AsDelay(*date - ServersNow(response, now));
}

std::optional<Duration> RateLimitReset(const HttpResponse& response, UtcTime now) {
  if (const std::string* const text = response.Header("ratelimit")) {
    if (const std::optional<int64_t> seconds = ResetOf(*text)) return AsDelay(*seconds);
  }
  constexpr int64_t kFirstInstant = 1'000'000'000;  // No delay is 30 years.
  for (const char* const name : {"ratelimit-reset", "x-ratelimit-reset"}) {
    const std::string* const text = response.Header(name);
    const std::optional<int64_t> seconds = text != nullptr ? ParseSeconds(*text) : std::nullopt;
    if (!seconds) continue;
    return AsDelay(*seconds >= kFirstInstant ? *seconds - ServersNow(response, now) : *seconds);
  }
  return std::nullopt;
}

bool IsOwnTransientError(const Error& error) {
  // An upload or a sink may fail in a transient way, too: that is not the connection's.
  constexpr std::string_view kCodes[] = {"connect_failed", "connection_lost", "http_timeout",
                                         "tls_failed", "http_error"};
  return error.kind == ErrorKind::kTransient &&
         std::find(std::begin(kCodes), std::end(kCodes), error.code) != std::end(kCodes);
}

double SystemRandom() {
  thread_local std::mt19937_64 engine{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(engine);
}

}  // namespace

bool IsTransientStatus(int status) {
  return status == 408 || status == 425 || status == 429 ||
         (status >= 500 && status <= 599 && status != 501 && status != 505);
}

std::optional<Duration> ServerDelay(const HttpResponse& response, UtcTime now) {
  if (const std::optional<Duration> delay = RetryAfter(response, now)) return delay;
  if (response.status != 429 && response.status != 503) return std::nullopt;
  return RateLimitReset(response, now);
}

HttpRetrier::HttpRetrier(HttpClient& client, Clock& clock, HttpRetryPolicy policy,
                         std::function<double()> random)
    : client_(client),
      clock_(clock),
      policy_(policy),
      random_(random ? std::move(random) : &SystemRandom) {}

std::optional<Duration> HttpRetrier::NextDelay(const HttpRequest& request,
                                               const Result<HttpResponse>& outcome, int attempt,
                                               Duration time_left) {
  const bool transient =
      outcome ? IsTransientStatus(outcome->status) : IsOwnTransientError(outcome.error());
  if (!transient || attempt >= policy_.max_attempts || !MayRepeat(request)) return std::nullopt;
  if (request.upload && !request.upload->rewind) return std::nullopt;
  if (client_.sunk_bytes() > 0 && !request.sink->restart) return std::nullopt;
  Duration cap = std::min(policy_.first_delay, policy_.max_delay);
  for (int i = 1; i < attempt && cap < policy_.max_delay; ++i) {
    cap = std::min(cap * 2, policy_.max_delay);
  }
  Duration delay(static_cast<int64_t>(random_() * static_cast<double>(cap.count())));
  if (outcome) {
    const Duration asked = ServerDelay(*outcome, clock_.Now()).value_or(Duration::zero());
    if (asked > policy_.max_server_delay) return std::nullopt;
    delay += asked;
  }
  return delay < time_left ? std::optional(delay) : std::nullopt;
}

Result<HttpResponse> HttpRetrier::Send(const HttpRequest& request, std::stop_token stop) {
  const Duration start = clock_.Steady();
  for (int attempt = 1;; ++attempt) {
    Result<HttpResponse> outcome = client_.Send(request, stop);
    const Duration time_left = policy_.deadline - (clock_.Steady() - start);
    const std::optional<Duration> delay = NextDelay(request, outcome, attempt, time_left);
    if (!delay) {
      if (!outcome && attempt > 1 && outcome.error().kind != ErrorKind::kStopped) {
        outcome.error().message += fmt::format(" (attempt {})", attempt);
      }
      return outcome;
    }
    if (client_.sunk_bytes() > 0) BIZOND_RETURN_IF_ERROR(request.sink->restart());
    if (request.upload) BIZOND_RETURN_IF_ERROR(request.upload->rewind());
    if (!clock_.SleepFor(*delay, stop)) {
      return Failure(
          StoppedError(fmt::format("{} before attempt {}", request.method, attempt + 1)));
    }
  }
}

}  // namespace bizond
