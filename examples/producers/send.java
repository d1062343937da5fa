// Sends stdin to a room: ROOMCAST_TOKEN=... java send.java HOST PORT ROOM [FRAMING]
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

class Send {
    public static void main(String[] args) throws IOException {
        String framing = args.length > 3 ? args[3] : "raw";
        String line = "ROOMCAST/1 room=" + args[2] + " token=" + System.getenv("ROOMCAST_TOKEN") + " framing=" + framing + "\n";
        try (Socket bridge = new Socket(args[0], Integer.parseInt(args[1]))) {
            var replies = new BufferedReader(new InputStreamReader(bridge.getInputStream(), StandardCharsets.US_ASCII));
            bridge.getOutputStream().write(line.getBytes(StandardCharsets.US_ASCII));
            String reply = replies.readLine();
            if (reply != null && reply.startsWith("OK ")) {
                System.in.transferTo(bridge.getOutputStream());
                bridge.shutdownOutput(); // the end of the stream; the answer still comes
                reply = replies.readLine();
            }
            if (reply == null || !reply.startsWith("END ")) {
                System.err.println(reply == null ? "the bridge hung up" : reply);
                System.exit(1);
            }
        }
    }
}
