// SPDX-License-Identifier: Apache-2.0
#include "telemetry/service_name.h"

#include <gtest/gtest.h>

namespace subfloor {
namespace {

std::string name_of(std::string executable, std::vector<std::string> arguments, std::string comm = "comm") {
  Process process;
  process.executable = std::move(executable);
  process.arguments = std::move(arguments);
  process.comm = std::move(comm);
  return std::string(service_name(process));
}

TEST(ServiceName, IsTheExecutablesName) {
  EXPECT_EQ(name_of("/usr/sbin/nginx", {"nginx: worker process"}), "nginx");
  EXPECT_EQ(name_of("/opt/app/server (deleted)", {"./server"}), "server");
  EXPECT_EQ(name_of("/usr/sbin/php-fpm8.2", {"php-fpm: pool www"}), "php-fpm8.2");
  EXPECT_EQ(name_of("/usr/bin/pythonista", {"pythonista", "x.py"}), "pythonista");
}

TEST(ServiceName, IsWhatTheEnvironmentSaysThenThePodThenTheContainerThenTheProgram) {
  Process process;
  process.executable = "/usr/sbin/nginx";
  process.declared_service = "declared";
  Workload workload;
  workload.container_id = "c1";
  workload.container_name = "proxy";
  workload.pod_name = "web-1";
  workload.owner = {"deployment", "web-owner"};
  workload.labels = {{"app", "web-app"}, {"app.kubernetes.io/name", "web-name"}};
  EXPECT_EQ(service_name(process, &workload), "declared");
  process.declared_service.clear();
  EXPECT_EQ(service_name(process, &workload), "web-name");
  workload.labels.pop_back();
  EXPECT_EQ(service_name(process, &workload), "web-app");
  workload.labels.pop_back();
  EXPECT_EQ(service_name(process, &workload), "web-owner");
  workload.owner = {};
  EXPECT_EQ(service_name(process, &workload), "proxy");
  workload.container_name.clear();
  workload.pod_name.clear();
  EXPECT_EQ(service_name(process, &workload), "nginx");
  EXPECT_EQ(service_name(process, nullptr), "nginx");
}

TEST(ServiceName, OfAPodThatIsKnownByItsAddressIsThePodsOwnAtLast) {
  Workload pod;
  pod.pod_name = "web-1";
  EXPECT_EQ(service_name(pod), "web-1");
  pod.labels = {{"app", "web"}};
  EXPECT_EQ(service_name(pod), "web");
}

TEST(ServiceNames, AreMadeOutAnewWhenMoreIsKnownOfContainers) {
  ServiceNames names;
  auto process = std::make_shared<Process>();
  process->pid = 7;
  process->executable = "/bin/httpd";
  process->container_id = "c1";
  WorkloadRef known;
  int asked = 0;
  const auto look_up = [&](const Process&) {
    ++asked;
    return known;
  };
  EXPECT_EQ(names.of(process, 1, look_up).service, "httpd");
  EXPECT_EQ(names.of(process, 1, look_up).service, "httpd");
  EXPECT_EQ(asked, 1);
  auto workload = std::make_shared<Workload>();
  workload->container_id = "c1";
  workload->labels = {{"app", "web"}};
  known = workload;
  EXPECT_EQ(names.of(process, 2, look_up).service, "web");
  EXPECT_EQ(names.of(process, 2, look_up).workload, known);
  EXPECT_EQ(asked, 2);
}

TEST(ServiceName, IsTheNameItWasCalledByWhereThatIsALink) {
  Process redis;
  redis.executable = "/usr/bin/redis-check-rdb";
  redis.comm = "redis-server";
  redis.arguments = {"redis-server 127.0.0.1:6379"};
  EXPECT_EQ(service_name(redis), "redis-server");
  redis.arguments = {"/opt/x/redis-server", "--port", "1"};
  EXPECT_EQ(service_name(redis), "redis-server");
  redis.comm = "worker";  // it took another name since
  EXPECT_EQ(service_name(redis), "redis-check-rdb");
}

TEST(ServiceName, IsTheScriptOfAnInterpreter) {
  EXPECT_EQ(name_of("/usr/bin/node", {"node", "server.js"}), "server.js");
  EXPECT_EQ(name_of("/usr/bin/node", {"node", "--inspect", "-r", "./tracing.js", "/app/server.js", "--port", "80"}),
            "server.js");
  EXPECT_EQ(name_of("/usr/bin/python3.11", {"python3", "-u", "/srv/app.py"}), "app.py");
  EXPECT_EQ(name_of("/usr/bin/python3.11", {"python3", "-m", "http.server", "8000"}), "http.server");
  EXPECT_EQ(name_of("/usr/bin/python3.11", {"/usr/bin/python3", "/usr/bin/gunicorn", "app:app"}), "gunicorn");
  EXPECT_EQ(name_of("/usr/lib/jvm/bin/java", {"java", "-Xmx1g", "-jar", "/opt/shop.jar"}), "shop.jar");
  EXPECT_EQ(name_of("/usr/lib/jvm/bin/java", {"java", "-cp", "a.jar:b.jar", "com.shop.Main"}), "com.shop.Main");
  EXPECT_EQ(name_of("/usr/bin/dotnet", {"dotnet", "/app/Shop.dll"}), "Shop.dll");
}

TEST(ServiceName, IsTheInterpreterWhereThereIsNoScript) {
  EXPECT_EQ(name_of("/usr/bin/python3.11", {"python3", "-c", "print(1)"}), "python3.11");
  EXPECT_EQ(name_of("/usr/bin/node", {"node"}), "node");
  EXPECT_EQ(name_of("/usr/bin/node", {"node", "-r"}), "node");
  EXPECT_EQ(name_of("/usr/bin/python3.11", {"python3", "-m"}), "python3.11");
  EXPECT_EQ(name_of("/usr/bin/python3.11", {}), "python3.11");
}

TEST(ServiceName, FallsBackToCommAndToUnknown) {
  EXPECT_EQ(name_of("", {}, "curl"), "curl");
  EXPECT_EQ(name_of("", {}, ""), "unknown");
}

TEST(ServiceNames, AreThoseOfTheProcessAskedAbout) {
  ServiceNames names;
  const auto process = [](std::uint32_t pid, const char* comm) {
    Process made;
    made.pid = pid;
    made.comm = comm;
    return std::make_shared<const Process>(made);
  };
  const ProcessRef one = process(1, "one"), same_place = process(257, "two"), after_exec = process(1, "three");
  const auto name = [&](const ProcessRef& of) {
    return names.of(of, 1, [](const Process&) { return WorkloadRef(); }).service;
  };
  for (int again = 0; again < 2; ++again) {
    EXPECT_EQ(name(one), "one");
    EXPECT_EQ(name(one), "one");
    EXPECT_EQ(name(same_place), "two");
    EXPECT_EQ(name(after_exec), "three");
  }
}

}  // namespace
}  // namespace subfloor
