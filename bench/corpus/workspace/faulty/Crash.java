import java.util.*;
import java.util.concurrent.*;
import java.util.stream.*;

/** Fails with nested causes and suppressed exceptions. */
public class Crash {
    record Order(String id, int count) {}

    static class Connection implements AutoCloseable {
        public void close() { throw new IllegalStateException("connection pool already shut down"); }
        void send(Order order) { throw new UncheckedTimeout("no answer from 10.0.3.17:5432 in 2500 ms", new TimeoutException("read")); }
    }

    static class UncheckedTimeout extends RuntimeException {
        UncheckedTimeout(String message, Throwable cause) { super(message, cause); }
    }

    static void place(Order order) {
        try (Connection c = new Connection()) { c.send(order); }
    }

    public static void main(String[] args) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(2);
        List<Future<?>> results = new ArrayList<>();
        for (int i = 0; i < 3; i++) { int n = i; results.add(pool.submit(() -> place(new Order("o-" + n, n)))); }
        pool.shutdown();
        for (Future<?> f : results) { try { f.get(); } catch (ExecutionException e) { e.printStackTrace(System.out); } }
        try { Stream.of("7", "x").map(Integer::parseInt).collect(Collectors.toList()); } catch (RuntimeException e) { e.printStackTrace(System.out); }
        Object o = List.of(1); ((List<String>) o).get(0).length();
    }
}
