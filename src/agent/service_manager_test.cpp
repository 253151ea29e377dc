// SPDX-License-Identifier: Apache-2.0
#include "agent/service_manager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <filesystem>

namespace subfloor::agent {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class ServiceManagerTest : public testing::Test {
 protected:
  ~ServiceManagerTest() override {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) unsetenv(name);
    std::filesystem::remove(path_);
  }

  // Listens at a path, or, where it begins with @, at a name in the abstract namespace, and sets NOTIFY_SOCKET to it.
  void listen(const std::string& name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path, name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    manager_ = Fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    ASSERT_EQ(bind(manager_.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
    setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  std::string heard() const {
    std::array<char, 4096> buffer{};
    const ssize_t size = ::recv(manager_.get(), buffer.data(), buffer.size(), 0);
    return size < 0 ? "" : std::string(buffer.data(), static_cast<std::size_t>(size));
  }
  static std::string own_name() { return "subfloor-test-" + std::to_string(getpid()); }

  Fd manager_;
  std::string path_ = testing::TempDir() + own_name();
};

TEST_F(ServiceManagerTest, IsToldOfEveryStepAtAPathAndAtAnAbstractName) {
  for (const std::string& name : {path_, "@" + own_name()}) {
    listen(name);
    const auto manager = ServiceManager::from_environment();
    ASSERT_TRUE(manager) << manager.error().message;
    manager->ready("observing");
    EXPECT_EQ(heard(), "READY=1\nSTATUS=observing");
    manager->reloading("so it goes");
    const std::string reloading = heard();
    EXPECT_THAT(reloading, StartsWith("RELOADING=1\nMONOTONIC_USEC="));
    EXPECT_THAT(reloading, HasSubstr("\nSTATUS=so it goes"));
    manager->stopping("over");
    EXPECT_EQ(heard(), "STOPPING=1\nSTATUS=over");
    manager->watchdog();
    EXPECT_EQ(heard(), "WATCHDOG=1");
  }
}

TEST_F(ServiceManagerTest, LeavesNothingOfItsEnvironmentToChildren) {
  listen(path_);
  setenv("WATCHDOG_USEC", "3000000", 1);
  setenv("WATCHDOG_PID", std::to_string(getpid()).c_str(), 1);
  const auto manager = ServiceManager::from_environment();
  ASSERT_TRUE(manager);
  EXPECT_EQ(manager->watchdog_interval(), 1'500'000'000U);
  for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) EXPECT_EQ(getenv(name), nullptr) << name;
}

TEST_F(ServiceManagerTest, DoesNotTakeAWatchdogThatIsMeantForAnotherProcess) {
  listen(path_);
  setenv("WATCHDOG_USEC", "3000000", 1);
  setenv("WATCHDOG_PID", "1", 1);
  EXPECT_EQ(ServiceManager::from_environment()->watchdog_interval(), 0U);
}

TEST_F(ServiceManagerTest, IsNobodyWithoutTheVariable) {
  const auto manager = ServiceManager::from_environment();
  ASSERT_TRUE(manager);
  manager->ready("nobody hears it");
  EXPECT_EQ(manager->watchdog_interval(), 0U);
}

TEST_F(ServiceManagerTest, RefusesAnAddressWhereNobodyCanBe) {
  for (const std::string& bad : {std::string("relative"), std::string("@"), std::string("/nonexistent/socket"),
                                 "/" + std::string(200, 'x'), std::string("vsock:2:1")}) {
    setenv("NOTIFY_SOCKET", bad.c_str(), 1);
    EXPECT_FALSE(ServiceManager::from_environment()) << bad;
  }
}

TEST(OneLine, CannotAddAnAssignmentOfItsOwn) {
  EXPECT_EQ(one_line("a:1:2: bad\nREADY=1\x1b"), "a:1:2: bad; READY=1?");
  EXPECT_EQ(one_line("abcdef", 3), "abc …");
}

}  // namespace
}  // namespace subfloor::agent
