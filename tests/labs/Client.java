import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.net.http.WebSocketHandshakeException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HexFormat;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.regex.Pattern;

/** One connection: JSON lines in, JSON lines out. */
class Client implements WebSocket.Listener {
    static final PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    final StringBuilder message = new StringBuilder();

    static String quoted(String text) {
        var json = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') json.append('\\').append(c);
            else if (c < 32) json.append(String.format("\\u%04x", (int) c));
            else json.append(c);
        }
        return json.append('"').toString();
    }

    static String field(String line, String name) {
        var found = Pattern.compile("\"" + name + "\": \"((?:[^\"\\\\]|\\\\.)*)\"").matcher(line);
        if (!found.find()) return "";
        var text = found.group(1).replace("\\\"", "\"").replace("\\\\", "\\");
        var escape = Pattern.compile("\\\\u([0-9a-f]{4})");
        return escape.matcher(text).replaceAll(it -> String.valueOf((char) Integer.parseInt(it.group(1), 16)));
    }

    public CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
        message.append(data);
        if (last) {
            out.println("{\"is\": \"text\", \"data\": " + quoted(message.toString()) + "}");
            message.setLength(0);
        }
        socket.request(1);
        return null;
    }

    public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
        out.println("{\"is\": \"closed\", \"code\": " + code + "}");
        return null;
    }

    public void onError(WebSocket socket, Throwable error) {
        out.println("{\"is\": \"closed\", \"code\": 1006}");
    }

    public static void main(String[] arguments) throws Exception {
        var builder = HttpClient.newHttpClient().newWebSocketBuilder();
        builder.connectTimeout(Duration.ofMillis((long) (Double.parseDouble(arguments[2]) * 1000)));
        if (!arguments[1].isEmpty()) builder.subprotocols(arguments[1]);
        for (int i = 3; i < arguments.length; i += 2) builder.header(arguments[i], arguments[i + 1]);
        WebSocket socket;
        try {
            socket = builder.buildAsync(URI.create(arguments[0]), new Client()).join();
        } catch (CompletionException failed) {
            if (failed.getCause() instanceof WebSocketHandshakeException refused)
                out.println("{\"is\": \"refused\", \"status\": " + refused.getResponse().statusCode() + "}");
            else out.println("{\"is\": \"error\", \"why\": " + quoted(String.valueOf(failed.getCause())) + "}");
            return;
        }
        out.println("{\"is\": \"open\", \"subprotocol\": " + quoted(socket.getSubprotocol()) + "}");
        var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = input.readLine()) != null; ) {
            String data = field(line, "data");
            switch (field(line, "do")) {
                case "text" -> socket.sendText(data, true).join();
                case "hex" -> socket.sendBinary(ByteBuffer.wrap(HexFormat.of().parseHex(data)), true).join();
                case "ping" -> socket.sendPing(ByteBuffer.wrap(data.getBytes(StandardCharsets.UTF_8))).join();
                case "close" -> socket.sendClose(WebSocket.NORMAL_CLOSURE, "").join();
                default -> { }
            }
        }
    }
}
