// Words for people: the names nearest to a mistyped one, and a hostile text made fit to print.
//
// Threads: every function may be called from any thread.
#ifndef BIZOND_SCHEDULER_SCHEDULE_WORDS_H_
#define BIZOND_SCHEDULER_SCHEDULE_WORDS_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bizond {

// At most `count` of `names`, nearest first by edit distance without regard to case; empty when
// none is near. A name whose last part (after '/') is near counts as well: "Pariss" finds
// "Europe/Paris".
std::vector<std::string_view> NearestNames(std::string_view word,
                                           std::span<const std::string_view> names, size_t count);

// "Did you mean A or B?", or an empty text.
std::string DidYouMean(const std::vector<std::string_view>& names);

// At most 80 bytes of `text`, with what is not printable ASCII as '?'.
std::string Printable(std::string_view text);

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_SCHEDULE_WORDS_H_
