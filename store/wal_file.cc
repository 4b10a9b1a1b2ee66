#include "store/wal_file.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "base/log.h"
#include "store/database_file.h"

namespace bizond {
namespace {

// https://www.sqlite.org/fileformat2.html, 4.1 and 4.2
constexpr size_t kWalHeaderBytes = 32;
constexpr size_t kFrameHeaderBytes = 24;
constexpr uint32_t kWalMagic = 0x377f0682;  // The last bit: checksums over big-endian words.
constexpr uint32_t kVersion = 3007000;
constexpr size_t kSaltBytes = 8;
// https://www.sqlite.org/walformat.html, 2.1: two copies of 48 bytes, then how much was copied.
constexpr size_t kIndexHeaderBytes = 48;
constexpr size_t kIndexBytes = 2 * kIndexHeaderBytes + 4;

struct Sum {
  uint32_t first = 0;
  uint32_t second = 0;
  bool operator==(const Sum&) const = default;
};

uint32_t Word(const char* at, bool big_endian) {
  uint32_t word;
  std::memcpy(&word, at, sizeof word);
  return big_endian == (std::endian::native == std::endian::big) ? word : __builtin_bswap32(word);
}

Sum SumOf(std::string_view bytes, Sum sum, bool big_endian) {
  for (size_t at = 0; at + 8 <= bytes.size(); at += 8) {
    sum.first += Word(bytes.data() + at, big_endian) + sum.second;
    sum.second += Word(bytes.data() + at + 4, big_endian) + sum.first;
  }
  return sum;
}

Sum StoredSum(const char* at) { return {Word(at, true), Word(at + 4, true)}; }

struct Header {
  bool big_endian = false;
  uint32_t page_size = 0;
  std::string salts;
  Sum sum;
};

// Of kWalHeaderBytes bytes. nullopt: they cannot be one.
std::optional<Header> ParseHeader(const char* at) {
  const uint32_t magic = Word(at, true);
  Header header{(magic & 1) != 0, Word(at + 8, true), std::string(at + 16, kSaltBytes),
                StoredSum(at + 24)};
  const bool size =
      std::has_single_bit(header.page_size) && header.page_size >= 512 && header.page_size <= 65536;
  if ((magic & ~1U) != kWalMagic || Word(at + 4, true) != kVersion || !size) return std::nullopt;
  if (SumOf({at, kWalHeaderBytes - 8}, {}, header.big_endian) != header.sum) return std::nullopt;
  return header;
}

// What the index says was committed.
struct Claim {
  uint64_t frames = 0;
  uint64_t copied = 0;  // Of them, into the database.
  std::string salts;
};

// nullopt: there is no index, or it claims nothing that can be relied upon.
Result<std::optional<Claim>> ReadClaim(const Root& root, std::string_view file) {
  const std::string name = fmt::format("{}-shm", file);
  BIZOND_ASSIGN_OR_RETURN(const auto info, root.Stat(name));
  if (!info || info->size_bytes < kIndexBytes) return std::optional<Claim>();
  BIZOND_ASSIGN_OR_RETURN(const File index, root.OpenFile(name, OpenMode::kRead));
  std::array<char, kIndexBytes> bytes{};
  BIZOND_ASSIGN_OR_RETURN(const size_t got, index.ReadAt(bytes.data(), bytes.size(), 0));
  // The index is in the machine's own order.
  constexpr bool kBig = std::endian::native == std::endian::big;
  const char* const at = bytes.data();
  const Sum sum = SumOf({at, kIndexHeaderBytes - 8}, {}, kBig);
  const bool whole = got == kIndexBytes &&
                     std::memcmp(at, at + kIndexHeaderBytes, kIndexHeaderBytes) == 0 &&
                     Word(at, kBig) == kVersion && at[12] == 1 &&
                     sum == Sum{Word(at + 40, kBig), Word(at + 44, kBig)};
  if (!whole) return std::optional<Claim>();
  return std::optional<Claim>(Claim{Word(at + 16, kBig), Word(at + 2 * kIndexHeaderBytes, kBig),
                                    std::string(at + 32, kSaltBytes)});
}

// Goes through the frames in their order.
class Frames {
 public:
  Frames(const File& log, Header header)
      : log_(log),
        header_(std::move(header)),
        running_(header_.sum),
        frame_(kFrameHeaderBytes + header_.page_size) {}

  // False: the end of the file.
  Result<bool> Next() {
    const uint64_t offset = kWalHeaderBytes + count_ * frame_.size();
    BIZOND_ASSIGN_OR_RETURN(const size_t got, log_.ReadAt(frame_.data(), frame_.size(), offset));
    if (got < frame_.size()) return false;
    ++count_;
    const char* const at = frame_.data();
    if (std::string_view(at + 8, kSaltBytes) != header_.salts || Word(at, true) == 0) {
      fits_ = false;
      before_.reset();
      return true;
    }
    ++of_this_round_;
    const bool is_commit = Word(at + 4, true) != 0;
    const Sum stored = StoredSum(at + 16);
    if (fits_) {
      running_ = SumFrom(running_);
      fits_ = running_ == stored;
      if (fits_ && is_commit) {
        whole_ = count_;
        of_this_round_whole_ = of_this_round_;
      }
    }
    // A header may lie across two sectors, of which one was lost: its marks are believed when its
    // own checksum goes on from the frame before, too.
    const bool follows = before_ && SumFrom(before_->sum) == stored;
    if (!fits_ && !proof_ && follows && before_->is_commit) proof_ = count_ - 1;
    before_ = Before{stored, follows && is_commit};
    return true;
  }

  uint64_t whole() const { return whole_; }
  uint64_t dropped() const { return of_this_round_ - of_this_round_whole_; }
  // A commit behind the first frame that does not fit, which was synced nevertheless.
  std::optional<uint64_t> proof() const { return proof_; }

 private:
  struct Before {
    Sum sum;
    bool is_commit = false;  // Beyond doubt.
  };

  Sum SumFrom(Sum sum) const {
    sum = SumOf({frame_.data(), 8}, sum, header_.big_endian);
    return SumOf({frame_.data() + kFrameHeaderBytes, header_.page_size}, sum, header_.big_endian);
  }

  const File& log_;
  const Header header_;
  Sum running_;  // While it fits.
  std::vector<char> frame_;
  uint64_t count_ = 0;
  bool fits_ = true;
  uint64_t whole_ = 0;
  uint64_t of_this_round_ = 0;
  uint64_t of_this_round_whole_ = 0;
  std::optional<Before> before_;  // The frame before, when it is of this round.
  std::optional<uint64_t> proof_;
};

WalReport Damaged(std::string damage) { return {std::move(damage), 0, 0}; }

Result<WalReport> ExamineFrames(const File& log, const Header& header,
                                const std::optional<Claim>& claim, const std::string& name) {
  Frames frames(log, header);
  while (true) {
    BIZOND_ASSIGN_OR_RETURN(const bool more, frames.Next());
    if (!more) break;
  }
  WalReport report{"", frames.whole(), frames.dropped()};
  const uint64_t claimed = claim && claim->salts == header.salts ? claim->frames : 0;
  if (frames.proof() || claimed > frames.whole()) {
    report.damage = fmt::format(
        "its log {} is broken behind page {}, before {} that was committed", name, frames.whole(),
        frames.proof() ? fmt::format("page {}", *frames.proof()) : fmt::format("page {}", claimed));
  }
  return report;
}

}  // namespace

Result<WalReport> ExamineWal(const Root& root, std::string_view file) {
  const std::string name = fmt::format("{}-wal", file);
  BIZOND_ASSIGN_OR_RETURN(const auto info, root.Stat(name));
  BIZOND_ASSIGN_OR_RETURN(const std::optional<Claim> claim, ReadClaim(root, file));
  if (!info) {
    // The index is removed before the log.
    if (!claim || claim->copied >= claim->frames) return WalReport{};
    return Damaged(
        fmt::format("its log {0} is missing, of which {1} pages were not copied into it "
                    "yet; to go on without them remove {2}-shm",
                    name, claim->frames - claim->copied, file));
  }
  BIZOND_ASSIGN_OR_RETURN(const File log, root.OpenFile(name, OpenMode::kRead));
  std::array<char, kWalHeaderBytes> bytes{};
  BIZOND_ASSIGN_OR_RETURN(const size_t got, log.ReadAt(bytes.data(), bytes.size(), 0));
  // A log that has only begun. One that was emptied on purpose may have an older index beside it
  // after a loss of power.
  if (got < kWalHeaderBytes || info->size_bytes == kWalHeaderBytes) return WalReport{};
  const std::optional<Header> header = ParseHeader(bytes.data());
  if (!header) return Damaged(fmt::format("the header of its log {} is broken", name));
  return ExamineFrames(log, *header, claim, name);
}

Status CheckWal(const Root& root, std::string_view file) {
  const std::string path = (root.path() / file).string();
  const std::string name = fmt::format("{}-wal", file);
  BIZOND_ASSIGN_OR_RETURN(const WalReport report, ExamineWal(root, file));
  if (!report.damage.empty()) return StoreCorrupt(path, report.damage);
  if (report.whole_frames > 0) BIZOND_RETURN_IF_ERROR(SyncFile(root, name));
  if (report.dropped_frames > 0) {
    Log(LogLevel::kWarning, "store",
        "the log ends in a change that is not whole, as after a crash; it is dropped",
        {{"file", path + "-wal"},
         {"whole_pages", std::to_string(report.whole_frames)},
         {"dropped_pages", std::to_string(report.dropped_frames)}});
  }
  return {};
}

}  // namespace bizond
