// Counts the operations of libtorch that a program calls, by name; see count_calls.sh.

#include <ATen/record_function.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace {

std::mutex lock;
std::map<std::string, long> counts;

// Calls in progress on this thread. A call from within another one is part of it.
thread_local int depth = 0;

std::unique_ptr<at::ObserverContext> begin(const at::RecordFunction& call) {
  if (depth++ == 0) {
    std::lock_guard<std::mutex> guard(lock);
    ++counts[call.name()];
  }
  return nullptr;
}

void end(const at::RecordFunction&, at::ObserverContext*) { --depth; }

struct Report {
  Report() {
    at::addGlobalCallback(at::RecordFunctionCallback(begin, end).scopes({at::RecordScope::FUNCTION}));
  }

  ~Report() {
    const char* path = std::getenv("COUNTS");
    std::FILE* out = path ? std::fopen(path, "w") : stderr;
    if (!out) return;
    for (const auto& [name, number] : counts) std::fprintf(out, "%ld %s\n", number, name.c_str());
    if (out != stderr) std::fclose(out);
  }
} report;

}  // namespace
