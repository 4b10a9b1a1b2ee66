// Metrics: the state of the daemon in Prometheus' text format, computed when it is asked for.
//
// Threads: a pure function over the store's snapshot.
#ifndef BIZOND_WEB_METRICS_H_
#define BIZOND_WEB_METRICS_H_

#include <string>

#include "base/error.h"
#include "web/routes.h"

namespace bizond {

Result<std::string> MetricsText(const WebParts& parts);

}  // namespace bizond

#endif  // BIZOND_WEB_METRICS_H_
